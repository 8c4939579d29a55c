package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// silent accepts a request and never answers.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// trickle sends n bytes, one after each pause, and then stands still if asked to.
func trickle(n int, pause time.Duration, stall bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for range n {
			io.WriteString(w, "x")
			http.NewResponseController(w).Flush()
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				return
			}
		}
		if stall {
			<-r.Context().Done()
		}
	}
}

func TestHTTPFirstByteTimeout(t *testing.T) {
	tests := []struct {
		name string
		opts upstream.HTTPOptions
		want time.Duration
	}{
		{"default", upstream.HTTPOptions{}, 40 * time.Second}, // connect, TLS, first byte
		{"set", upstream.HTTPOptions{FirstByteTimeout: time.Second, ConnectTimeout: -1, TLSTimeout: -1}, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := served(t, test.opts, silent).Fetch(t.Context(), request(t, "a.b/c/@latest"))
				e := wantError(t, err, upstream.Timeout)
				if took := time.Since(start); took != test.want {
					t.Errorf("waited %v, want %v", took, test.want)
				}
				if e.Source != "http://proxy.example" || !strings.Contains(e.Error(), "no response in time") {
					t.Errorf("error says %q", e)
				}
			})
		})
	}
}

func TestHTTPNoFirstByteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := served(t, upstream.HTTPOptions{FirstByteTimeout: -1}, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(24 * time.Hour)
			io.WriteString(w, "late")
		})
		data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@latest"))
		if err != nil || string(data) != "late" {
			t.Errorf("body %q, error %v", data, err)
		}
	})
}

// Each hop of a redirect has its own time.
func TestHTTPSlowRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := served(t, upstream.HTTPOptions{}, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(25 * time.Second)
			if len(r.URL.Path) < 18 {
				http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
				return
			}
			io.WriteString(w, "body")
		})
		data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@latest"))
		if err != nil || string(data) != "body" {
			t.Errorf("body %q, error %v", data, err)
		}
	})
}

func TestHTTPSlowBodyIsFine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := served(t, upstream.HTTPOptions{}, trickle(240, 15*time.Second, false))
		data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@latest"))
		if err != nil || len(data) != 240 {
			t.Errorf("%d bytes, error %v", len(data), err)
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("took %v, want an hour", took)
		}
	})
}

func TestHTTPStalledBody(t *testing.T) {
	tests := []struct {
		name string
		opts upstream.HTTPOptions
		n    int
		want time.Duration
	}{
		{"default", upstream.HTTPOptions{}, 3, 3*10*time.Second + 10*time.Second},
		{"set", upstream.HTTPOptions{StallTimeout: 45 * time.Second}, 3, 3*10*time.Second + 35*time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				req := request(t, "a.b/c/@latest")
				resp, err := served(t, test.opts, trickle(test.n, 10*time.Second, true)).Fetch(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				body, err := readBody(resp)
				e := wantError(t, err, upstream.Timeout)
				if e.Request != req || e.Source == "" || !strings.Contains(e.Error(), "stopped arriving") {
					t.Errorf("error says %q", e)
				}
				if took := time.Since(start); len(body) != test.n || took != test.want {
					t.Errorf("%d bytes in %v, want %d in %v", len(body), took, test.n, test.want)
				}
			})
		})
	}
}

func TestHTTPNoStallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := served(t, upstream.HTTPOptions{StallTimeout: -1}, trickle(2, 24*time.Hour, false))
		if data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@latest")); err != nil || len(data) != 2 {
			t.Errorf("%d bytes, error %v", len(data), err)
		}
	})
}

// It is not the source that stands still while its caller is busy.
func TestHTTPSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := served(t, upstream.HTTPOptions{}, func(w http.ResponseWriter, _ *http.Request) {
			io.CopyN(w, endless{}, 300<<10)
		})
		resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for i := range 3 {
			time.Sleep(time.Hour)
			if _, err := io.ReadFull(resp.Body, make([]byte, 100<<10)); err != nil {
				t.Fatalf("read %d: %v", i, err)
			}
		}
	})
}

// An error's text is a courtesy: a source cannot hold the caller up with it.
func TestHTTPErrorTextTrickles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		u := served(t, upstream.HTTPOptions{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusNotFound)
			trickle(1000, 15*time.Second, false)(w, r)
		})
		_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		e := wantError(t, err, upstream.NotFound)
		if took := time.Since(start); took > 20*time.Second || e.Text != "xx" {
			t.Errorf("text %q after %v", e.Text, took)
		}
	})
}

func TestHTTPCaller(t *testing.T) {
	why := errors.New("the caller left")
	tests := []struct {
		name  string
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		class upstream.Class
		cause error
	}{
		{"cancel", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(why) })
			return ctx, func() { cancel(nil) }
		}, upstream.Canceled, why},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Second, why)
		}, upstream.Timeout, why},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := test.ctx(t.Context())
				defer cancel()
				start := time.Now()
				_, err := served(t, upstream.HTTPOptions{}, silent).Fetch(ctx, request(t, "a.b/c/@latest"))
				wantError(t, err, test.class)
				if took := time.Since(start); took != time.Second || !errors.Is(err, test.cause) {
					t.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}
