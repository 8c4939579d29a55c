package fetch_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/upstreamtest"
	"github.com/google/go-cmp/cmp"
)

func TestClientIsAnUpstream(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	want := map[string]string{}
	for _, key := range o.Keys() {
		want[key] = string(o.File(key))
	}
	for _, state := range []string{"cold", "warm"} {
		if err := upstreamtest.Test(c, want); err != nil {
			t.Errorf("%s: %v", state, err)
		}
	}
}

func TestFetchAsksOnceForEachFile(t *testing.T) {
	tests := []struct {
		kind    upstream.Kind
		version string
		want    []string
	}{
		{upstream.List, "", []string{"example.com/hello/@v/list"}},
		{upstream.Latest, "", []string{"example.com/hello/@latest"}},
		{upstream.Info, "v1.0.0", []string{"example.com/hello/@v/v1.0.0.info"}},
		{upstream.Mod, "v1.0.0", []string{"example.com/hello/@v/v1.0.0.mod"}},
		{upstream.Zip, "v1.0.0", []string{"example.com/hello/@v/v1.0.0.zip"}},
	}
	for _, tt := range tests {
		t.Run(tt.kind.String(), func(t *testing.T) {
			o := newOrigin(t)
			c := newClient(t, proxyOptions(serve(t, o)))
			req := request(t, tt.kind, "example.com/hello", tt.version)
			for i := range 3 {
				resp, err := c.Fetch(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if resp.Cached != (i > 0) {
					t.Errorf("call %d: Cached = %v", i, resp.Cached)
				}
				if diff := cmp.Diff(string(o.File(req.Key())), read(t, resp)); diff != "" {
					t.Errorf("call %d: content (-want +got):\n%s", i, diff)
				}
			}
			if diff := cmp.Diff(tt.want, o.Asked()); diff != "" {
				t.Errorf("requests to the source (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyCallersMakeOneRequest(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
	want := string(o.File(req.Key()))
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			data, err := upstream.ReadAll(t.Context(), c, req)
			if err != nil || string(data) != want {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff([]string{"example.com/hello/@v/v1.0.0.mod"}, o.Asked()); diff != "" {
		t.Errorf("requests to the source (-want +got):\n%s", diff)
	}
}

// Who reads slowly must not disturb the others, and each has an offset of their
// own.
func TestCallersOfOneFlightReadApart(t *testing.T) {
	for _, kind := range []upstream.Kind{upstream.Mod, upstream.Zip} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(t)
			req := request(t, kind, "example.com/hello", "v1.0.0")
			content := string(o.File(req.Key()))
			release := make(chan struct{})
			source := &scripted{answer: func(context.Context, upstream.Request) (string, error) {
				<-release
				return content, nil
			}}
			c := newClient(t, fetch.Options{Upstream: source})
			bodies := make(chan io.ReadCloser, 5)
			for range cap(bodies) {
				go func() {
					resp, err := c.Fetch(t.Context(), req)
					if err != nil {
						t.Error(err)
					}
					bodies <- resp.Body
				}()
			}
			synctest.Wait()
			close(release)
			for range cap(bodies) {
				body := <-bodies
				if err := iotest.TestReader(body, []byte(content)); err != nil {
					t.Error(err)
				}
				if _, ok := body.(cache.Body); !ok {
					t.Errorf("the body is a %T, no cache.Body", body)
				}
				body.Close()
			}
			if n := source.calls.Load(); n != 1 {
				t.Errorf("%d requests to the source, want 1", n)
			}
		})
	}
}

func TestOffline(t *testing.T) {
	o := newOrigin(t)
	store := cache.NewMemory(nil)
	opts := proxyOptions(serve(t, o))
	opts.Store = store
	online := newClient(t, opts)
	held := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
	missing := request(t, upstream.Mod, "example.com/hello", "v1.1.0")
	if _, err := upstream.ReadAll(t.Context(), online, held); err != nil {
		t.Fatal(err)
	}
	flush(t, online)
	o.Asked()
	opts.Offline = true
	offline := newClient(t, opts)
	for name, call := range map[string]struct {
		client *fetch.Client
		ctx    context.Context
	}{
		"by option":  {offline, t.Context()},
		"by context": {online, upstream.WithOffline(t.Context())},
	} {
		if _, err := upstream.ReadAll(call.ctx, call.client, held); err != nil {
			t.Errorf("%s: what is held: %v", name, err)
		}
		_, err := upstream.ReadAll(call.ctx, call.client, missing)
		if !errors.Is(err, upstream.ErrOffline) || upstream.ClassOf(err) != upstream.Unavailable {
			t.Errorf("%s: what is not held: got %v, want unavailable because offline", name, err)
		}
	}
	if asked := o.Asked(); asked != nil {
		t.Errorf("the source was asked for %v", asked)
	}
}

func TestPrivateModulesStayHome(t *testing.T) {
	o := newOrigin(t)
	opts := proxyOptions(serve(t, o))
	opts.Go.GONOPROXY = "example.com/hello"
	opts.Go.GONOSUMDB = "example.com/hello"
	c := newClient(t, opts)
	var private []upstream.Request
	for _, k := range []upstream.Kind{upstream.List, upstream.Latest} {
		private = append(private, request(t, k, "example.com/hello/v2", ""))
	}
	for _, k := range []upstream.Kind{upstream.Info, upstream.Mod, upstream.Zip} {
		private = append(private, request(t, k, "example.com/hello", "v1.0.0"))
	}
	lookup, err := upstream.NewSumDBRequest("sum.example.com", "lookup/example.com/hello@v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, req := range private { // by the network there is: no such host, or no such module
		if _, err := c.Fetch(t.Context(), req); err == nil {
			t.Errorf("%v: no error, and version control cannot have it", req)
		}
	}
	if _, err := c.Fetch(t.Context(), lookup); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: got %v, want not found", lookup, err)
	}
	if asked := o.Asked(); asked != nil {
		t.Errorf("the public source was asked for %v", asked)
	}
}

func TestFetchRefusesTheZeroRequest(t *testing.T) {
	c := newClient(t, proxyOptions("off"))
	if _, err := c.Fetch(t.Context(), upstream.Request{}); upstream.ClassOf(err) != upstream.Unavailable || err == nil {
		t.Errorf("got %v", err)
	}
}

func TestFetchersStack(t *testing.T) {
	o := newOrigin(t)
	central := newClient(t, proxyOptions(serve(t, o)))
	regional := newClient(t, fetch.Options{Upstream: central})
	local := newClient(t, fetch.Options{Upstream: upstream.Mirrors(regional)})
	for _, kind := range []upstream.Kind{upstream.Mod, upstream.Zip} {
		req := request(t, kind, "example.com/hello", "v1.0.0")
		data, err := upstream.ReadAll(t.Context(), local, req)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o.File(req.Key()), data); diff != "" {
			t.Errorf("%v (-want +got):\n%s", req, diff)
		}
	}
}

func TestCloseEndsFlights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
			<-ctx.Done()
			return "", upstream.ContextError(ctx, req, "scripted")
		}}
		c := newClient(t, fetch.Options{Upstream: source})
		failed := make(chan error)
		go func() {
			_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
			failed <- err
		}()
		synctest.Wait()
		go c.Close()
		if err := <-failed; upstream.ClassOf(err) != upstream.Canceled {
			t.Errorf("a caller who waits at Close gets %v, want canceled", err)
		}
		_, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
		if upstream.ClassOf(err) != upstream.Canceled {
			t.Errorf("a caller after Close gets %v, want canceled", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
}

// Closing ends a diagnosis, and waits for it.
func TestCloseEndsDiagnoses(t *testing.T) {
	asked := make(chan struct{})
	tell := sync.OnceFunc(func() { close(asked) })
	hanging := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tell()
		<-r.Context().Done()
	}))
	c := newClient(t, diagnoseOptions(hanging))
	ended := make(chan *fetch.Diagnosis, 1)
	go func() { ended <- c.Diagnose(context.Background()) }()
	<-asked
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"problem: settings"}
	if diff := cmp.Diff(want, diagnosed((<-ended).Findings)); diff != "" {
		t.Errorf("of what Close ended (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, diagnosed(c.Diagnose(t.Context()).Findings)); diff != "" {
		t.Errorf("after Close (-want +got):\n%s", diff)
	}
}
