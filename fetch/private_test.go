package fetch_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
)

// privateOptions has the modules below example.com/hello come from a source of
// their own, and the rest from a public one, which also speaks for the checksum
// database.
func privateOptions(t *testing.T) (o fetch.Options, private, public *origin.Origin) {
	t.Helper()
	private, public = newOrigin(t), newOrigin(t)
	own, err := upstream.NewHTTP(serve(t, private), nil)
	if err != nil {
		t.Fatal(err)
	}
	o = proxyOptions(serve(t, public))
	o.Go.GOSUMDB = public.VerifierKey
	o.Private = []upstream.Route{{Patterns: "example.com/hello", Upstream: own}}
	return o, private, public
}

// everything asks for all that can be asked of a module.
func everything(t *testing.T, path, version string) []upstream.Request {
	t.Helper()
	lookup, err := upstream.NewSumDBRequest(origin.DatabaseName, "lookup/"+path+"@"+version)
	if err != nil {
		t.Fatal(err)
	}
	return []upstream.Request{
		request(t, upstream.List, path, ""), request(t, upstream.Latest, path, ""),
		request(t, upstream.Info, path, version), request(t, upstream.Info, path, "main"),
		request(t, upstream.Mod, path, version), request(t, upstream.Zip, path, version), lookup,
	}
}

// wantNothingAskedOf fails if a source was asked for anything that names a module.
func wantNothingAskedOf(t *testing.T, o *origin.Origin, path string) {
	t.Helper()
	for _, key := range o.Asked() {
		if strings.Contains(key, path) {
			t.Errorf("a public source was asked for %s", key)
		}
	}
}

// A private module comes from its own source; the public ones and the checksum
// database never learn of it, whatever becomes of that source.
func TestPrivateRouteIsStrict(t *testing.T) {
	for name, weather := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"well": nil, "down": origin.Status(503), "has nothing": origin.Status(404), "denies": origin.Status(403),
	} {
		t.Run(name, func(t *testing.T) {
			opts, private, public := privateOptions(t)
			c := newClient(t, opts)
			private.Fail(weather)
			for _, req := range everything(t, "example.com/hello", "v1.0.0") {
				resp, err := c.Fetch(t.Context(), req)
				if err == nil {
					resp.Body.Close()
				}
				lookup := req.Kind() == upstream.SumDBLookup
				switch want := map[string]upstream.Class{"down": upstream.Unavailable, "has nothing": upstream.NotFound, "denies": upstream.Denied}[name]; {
				case lookup && upstream.ClassOf(err) != upstream.NotFound:
					t.Errorf("%v: %v, want that nobody is asked", req, err)
				case !lookup && weather != nil && (err == nil || upstream.ClassOf(err) != want):
					t.Errorf("%v: %v, want %v", req, err, want)
				case req.Kind() == upstream.Zip && weather == nil && err != nil:
					t.Error(err)
				}
			}
			wantNothingAskedOf(t, public, "hello")
		})
	}
}

// The other modules are none of the private source's business, and are verified.
func TestPrivateRouteLeavesTheRest(t *testing.T) {
	opts, private, _ := privateOptions(t)
	opts.Private[0].Patterns = "corp.example"
	c := newClient(t, opts)
	resp, err := c.Fetch(t.Context(), request(t, upstream.Zip, "example.com/hello", "v1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Verified == "" {
		t.Error("it is not verified")
	}
	if asked := private.Asked(); len(asked) > 0 {
		t.Errorf("the private source was asked for %q", asked)
	}
}

// A name that is claimed for internal modules is refused where no source of its own
// has it, also if somebody has stored it before; nobody is asked.
func TestClaimedNames(t *testing.T) {
	opts, _, public := privateOptions(t)
	opts.Store = cache.NewMemory(nil)
	opts.Private = nil
	before := newClient(t, opts)
	zip := request(t, upstream.Zip, "example.com/hello", "v1.0.0")
	if resp, err := before.Fetch(t.Context(), zip); err != nil {
		t.Fatal(err)
	} else {
		resp.Body.Close()
	}
	public.Asked()
	opts.Claimed = "example.com/hello,corp.example"
	c := newClient(t, opts)
	for _, req := range everything(t, "example.com/hello", "v1.0.0") {
		_, err := c.Fetch(t.Context(), req)
		want := upstream.Denied
		if req.Kind() == upstream.SumDBLookup {
			want = upstream.NotFound
		}
		if err == nil || upstream.ClassOf(err) != want {
			t.Errorf("%v: %v, want %v", req, err, want)
		}
	}
	wantNothingAskedOf(t, public, "hello")
}

// What is claimed and has a source of its own comes from there.
func TestClaimedNamesWithASource(t *testing.T) {
	opts, private, public := privateOptions(t)
	opts.Claimed = "example.com"
	c := newClient(t, opts)
	resp, err := c.Fetch(t.Context(), request(t, upstream.Zip, "example.com/hello", "v1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if private.AskedFor(".zip") != 1 || len(public.Asked()) != 0 {
		t.Error("it did not come from its own source alone")
	}
}

// What is wrong with the table is found when it is made.
func TestRoutesAreChecked(t *testing.T) {
	own := &scripted{}
	for name, o := range map[string]fetch.Options{
		"malformed":       {Private: []upstream.Route{{Patterns: "a[", Upstream: own}}},
		"a space":         {Private: []upstream.Route{{Patterns: "a, b", Upstream: own}}},
		"no source":       {Private: []upstream.Route{{Patterns: "a"}}},
		"no patterns":     {Private: []upstream.Route{{Upstream: own}}},
		"twice":           {Private: []upstream.Route{{Patterns: "a,b", Upstream: own}, {Patterns: "b", Upstream: own}}},
		"claimed":         {Claimed: "a["},
		"GOPRIVATE":       {Go: &fetch.GoSettings{GOPRIVATE: "a["}},
		"GOINSECURE":      {Go: &fetch.GoSettings{GOINSECURE: "a["}},
		"a nil among two": {Private: []upstream.Route{{Patterns: "a", Upstream: upstream.Mirrors(own, nil)}}},
	} {
		o.Store, o.Upstream = cache.NewMemory(nil), own
		if o.Go == nil {
			o.Go = &fetch.GoSettings{GOSUMDB: "off"}
		}
		if c, err := fetch.New(&o); err == nil {
			c.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

// hosts is a source that stands for many, one of which is down.
type hosts struct {
	mu    sync.Mutex
	asked map[string]int
}

func (h *hosts) Name() string { return "hosts" }

func (h *hosts) Part(req upstream.Request) string {
	host, _, _ := strings.Cut(req.Module(), "/")
	return host
}

func (h *hosts) Fetch(_ context.Context, req upstream.Request) (*upstream.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[h.Part(req)]++
	if h.Part(req) == "down.example" {
		return nil, &upstream.Error{Request: req, Source: "hosts", Err: errors.New("connection refused")}
	}
	return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: "hosts"}
}

// Of a source that stands for many servers, one that is down is left alone, and the
// others are not.
func TestCircuitsOfManyServers(t *testing.T) {
	source := &hosts{asked: map[string]int{}}
	c := newClient(t, fetch.Options{Upstream: source, NotFoundTTL: -1})
	for range 20 {
		for _, host := range []string{"down.example", "well.example"} {
			if _, err := c.Fetch(t.Context(), request(t, upstream.List, host+"/m", "")); err == nil {
				t.Fatal("there is no such module")
			}
		}
	}
	if source.asked["down.example"] > 10 || source.asked["well.example"] != 20 {
		t.Errorf("asked %v", source.asked)
	}
}

// Of a source that stands for many servers, one that hangs does not take the places
// of the others.
func TestLimitsOfManyServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &hosts{asked: map[string]int{}}
		hanging := &hangs{source}
		c := newClient(t, fetch.Options{Upstream: hanging, Limit: &breaker.LimitOptions{SmallFiles: 1}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := c.Fetch(ctx, request(t, upstream.List, "hangs.example/m", ""))
			ended <- err
		}()
		synctest.Wait()
		if _, err := c.Fetch(t.Context(), request(t, upstream.List, "well.example/m", "")); upstream.ClassOf(err) != upstream.NotFound {
			t.Errorf("beside one that hangs: %v", err)
		}
		cancel()
		<-ended
	})
}

type hangs struct{ *hosts }

func (h *hangs) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if h.Part(req) == "hangs.example" {
		<-ctx.Done()
		return nil, upstream.ContextError(ctx, req, "hosts")
	}
	return h.hosts.Fetch(ctx, req)
}

// Whoever asks a checksum database about a private module is told what to do.
func TestPrivateLookupTellsTheWayOut(t *testing.T) {
	opts, _, _ := privateOptions(t)
	c := newClient(t, opts)
	lookup, err := upstream.NewSumDBRequest(origin.DatabaseName, "lookup/example.com/hello@v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Fetch(t.Context(), lookup)
	if want := "set GONOSUMDB where the go command runs"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
