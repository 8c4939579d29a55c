package fetch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A logbook is what was logged, a JSON object for each line.
type logbook struct {
	mu    sync.Mutex
	lines []map[string]any
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var line map[string]any
	if err := json.Unmarshal(p, &line); err != nil {
		return 0, err
	}
	delete(line, "time")
	delete(line, "took")
	l.lines = append(l.lines, line)
	return len(p), nil
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *logbook) read() []map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return lines
}

func TestFailedRequestsAreLogged(t *testing.T) {
	errOf := func(class upstream.Class, status int) func(context.Context, upstream.Request) (string, error) {
		return func(_ context.Context, req upstream.Request) (string, error) {
			return "", &upstream.Error{Class: class, Request: req, Source: "scripted", Status: status}
		}
	}
	tests := []struct {
		name   string
		path   string
		header string
		answer func(context.Context, upstream.Request) (string, error)
		opts   fetch.Options
		want   map[string]any // nil: no line
	}{
		{"a good answer", "/example.com/hello/@v/list", "", func(context.Context, upstream.Request) (string, error) { return "v1.0.0\n", nil }, fetch.Options{}, nil},
		{"absence", "/example.com/hello/@v/list", "", errOf(upstream.NotFound, 404), fetch.Options{}, map[string]any{
			"level": "DEBUG", "status": 404.0, "class": "not found", "error": "scripted: not found (status 404)",
			"tried": []any{"scripted: not found (status 404), after "},
		}},
		{"no such path", "/example.com/hello", "", nil, fetch.Options{}, map[string]any{
			"level": "DEBUG", "status": 404.0, "class": "not found", "error": "",
		}},
		{"a claimed name", "/example.com/hello/@v/list", "", nil, fetch.Options{Claimed: "example.com"}, map[string]any{
			"level": "INFO", "status": 403.0, "class": "denied", "error": "",
		}},
		{"offline", "/example.com/hello/@v/list", "true", nil, fetch.Options{}, map[string]any{
			"level": "INFO", "status": 502.0, "class": "unavailable", "error": "unavailable: " + upstream.ErrOffline.Error(),
		}},
		{"an outage", "/example.com/hello/@v/list", "", errOf(upstream.Unavailable, 500), fetch.Options{
			Retry: &breaker.RetryOptions{Tries: 2, FirstWait: -1}, Circuit: &breaker.CircuitOptions{ConsecutiveFailures: 1, LastResort: -1},
		}, map[string]any{
			"level": "WARN", "status": 503.0, "class": "unavailable", "error": "",
			"tried": []any{
				"scripted: unavailable (status 500), after ",
				"scripted: unavailable: not asked",
			},
		}},
		{"wrong bytes", "/example.com/hello/@v/list", "", errOf(upstream.Untrusted, 0), fetch.Options{}, map[string]any{
			"level": "ERROR", "status": 502.0, "class": "untrusted", "error": "scripted: untrusted",
			"tried": []any{"scripted: untrusted, after "},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log logbook
			tt.opts.Upstream = &scripted{answer: tt.answer}
			url := serve(t, fetch.NewHandler(newClient(t, tt.opts), &fetch.HandlerOptions{Logger: log.logger()}))
			get(t, url+tt.path, "Disable-Module-Fetch", tt.header)
			lines := log.read()
			if tt.want == nil {
				if len(lines) > 0 {
					t.Errorf("logged: %v", lines)
				}
				return
			}
			tt.want["msg"], tt.want["path"] = "request failed", tt.path
			for _, line := range lines {
				blur(line, tt.want)
			}
			if diff := cmp.Diff([]map[string]any{tt.want}, lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// blur leaves of texts in line what is wanted of them.
func blur(line, want map[string]any) {
	if want["error"] == "" && line["error"] != "" {
		line["error"] = ""
	}
	tried, _ := line["tried"].([]any)
	wanted, _ := want["tried"].([]any)
	for i := range min(len(tried), len(wanted)) {
		if strings.HasPrefix(tried[i].(string), wanted[i].(string)) {
			tried[i] = wanted[i]
		}
	}
}

// The error of a request tells what was tried, to whoever calls Fetch.
func TestStoryOfAFailure(t *testing.T) {
	down, behind := &scripted{answer: down}, &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) { return "", absent(req) }}
	c := newClient(t, fetch.Options{
		Upstream: upstream.Mirrors(upstream.WithName("down", down), upstream.WithName("behind", behind)),
		Retry:    &breaker.RetryOptions{Tries: 2, FirstWait: -1},
	})
	_, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
	e := upstream.AsError(err, upstream.Request{}, "")
	var got []string
	for _, a := range e.Story {
		got = append(got, fmt.Sprint(a.Source, ": ", a.Err.Class))
	}
	want := []string{"down: unavailable", "behind: not found", "down: unavailable", "behind: not found"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("story (-want +got):\n%s", diff)
	}
	stats := c.Stats()
	for i, failed := range []bool{true, false} {
		if s := stats.Sources[i]; (s.LastFailure != nil) != failed {
			t.Errorf("last failure of %s: %v", s.Source, s.LastFailure)
		}
	}
}

// A story is bounded, however long a flight takes.
func TestStoryIsBounded(t *testing.T) {
	c := newClient(t, fetch.Options{
		Upstream: &scripted{answer: down}, Circuit: &breaker.CircuitOptions{ConsecutiveFailures: 1000, FailureRate: 2},
		Retry: &breaker.RetryOptions{Tries: 100, FirstWait: -1, Budget: upstream.NewBudget(1, 1000, 1)},
	})
	_, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
	if n := len(upstream.AsError(err, upstream.Request{}, "").Story); n != 64 {
		t.Errorf("%d attempts in the story, want 64", n)
	}
}

func TestAccess(t *testing.T) {
	o := newOrigin(t)
	zip := o.File("example.com/hello/@v/v1.0.0.zip")
	tests := []struct {
		name, method, path string
		want               fetch.Access
	}{
		{"a miss", "GET", "/example.com/hello/@v/v1.0.0.zip", fetch.Access{Status: 200, Sent: int64(len(zip)), Outcome: fetch.Miss, Source: "mirror"}},
		{"a hit", "GET", "/example.com/hello/@v/v1.0.0.zip", fetch.Access{Status: 200, Sent: int64(len(zip)), Outcome: fetch.HitMemory, Source: "memory"}},
		{"HEAD", "HEAD", "/example.com/hello/@v/v1.0.0.zip", fetch.Access{Status: 200, Outcome: fetch.HitMemory, Source: "memory"}},
		{"absence", "GET", "/example.com/nothing/@v/list", fetch.Access{Status: 404, Outcome: fetch.NotFound}},
		{"no such path", "GET", "/robots.txt", fetch.Access{Status: 404, Outcome: fetch.NotFound}},
		{"no such method", "POST", "/example.com/hello/@v/list", fetch.Access{Status: 405, Outcome: fetch.Denied}},
	}
	var got []fetch.Access
	m := newMirror("mirror", o, 1)
	h := fetch.NewHandler(newClient(t, fetch.Options{Upstream: upstream.WithName("mirror", m.overSockets(t))}), &fetch.HandlerOptions{
		Access: func(_ context.Context, a fetch.Access) { got = append(got, a) },
		Logger: slog.New(slog.DiscardHandler),
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got = nil
			r := httptest.NewRequest(tt.method, tt.path+"?secret", nil)
			r.Header.Set("User-Agent", "test")
			begun := time.Now()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if len(got) != 1 {
				t.Fatalf("told %d times, want once", len(got))
			}
			a := got[0]
			if a.Time.Before(begun) || a.Took <= 0 || a.Caller != "192.0.2.1" || a.Agent != "test" || a.Method != tt.method || a.Path != tt.path {
				t.Errorf("told of %+v", a)
			}
			if (a.Err != nil) != (tt.want.Status >= 400) {
				t.Errorf("error %v", a.Err)
			}
			if tt.want.Sent == 0 && tt.method == "GET" || tt.method == "POST" {
				tt.want.Sent = int64(w.Body.Len()) // of the error's text
			}
			short := fetch.Access{Status: a.Status, Sent: a.Sent, Outcome: a.Outcome, Source: a.Source, Broken: a.Broken}
			if short != tt.want {
				t.Errorf("told of %+v, want %+v", short, tt.want)
			}
		})
	}
}

// streaming answers with a body that breaks off.
type streaming struct{}

func (streaming) Fetch(context.Context, upstream.Request) (*upstream.Response, error) {
	body := io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenReader{}))
	return &upstream.Response{Body: body, Size: 100, Source: "streaming"}, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAccessOfWhatBreaksOff(t *testing.T) {
	told := make(chan fetch.Access, 1)
	url := serve(t, fetch.NewHandler(streaming{}, &fetch.HandlerOptions{
		Access: func(_ context.Context, a fetch.Access) { told <- a },
	}))
	resp, err := http.Get(url + "/example.com/hello/@v/list")
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("the client has noticed nothing")
	}
	if a := <-told; !a.Broken || a.Status != 200 || a.Sent != 4 {
		t.Errorf("told of %+v", a)
	}
}

func TestLogAccess(t *testing.T) {
	var log logbook
	tell := fetch.LogAccess(log.logger())
	tell(t.Context(), fetch.Access{
		Method: "GET", Path: "/example.com/hello/@v/list", Status: 200, Sent: 7, Caller: "192.0.2.1", Agent: "go",
		Outcome: fetch.Miss, Source: "mirror",
	})
	tell(t.Context(), fetch.Access{Method: "GET", Path: "/", Status: 404, Outcome: fetch.NotFound, Broken: true})
	want := []map[string]any{
		{"level": "INFO", "msg": "access", "method": "GET", "path": "/example.com/hello/@v/list", "status": 200.0, "bytes": 7.0,
			"outcome": "miss", "caller": "192.0.2.1", "agent": "go", "source": "mirror"},
		{"level": "INFO", "msg": "access", "method": "GET", "path": "/", "status": 404.0, "bytes": 0.0,
			"outcome": "not-found", "caller": "", "agent": "", "broken": true},
	}
	if diff := cmp.Diff(want, log.read()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
