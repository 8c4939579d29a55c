package fetch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
	delete(line, "seconds")
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

// short answers with fewer bytes than it says that there are.
type short struct{}

func (short) Fetch(context.Context, upstream.Request) (*upstream.Response, error) {
	return &upstream.Response{Body: io.NopCloser(strings.NewReader("half")), Size: 100, Source: "short"}, nil
}

func TestAccessOfWhatBreaksOff(t *testing.T) {
	tests := []struct {
		name      string
		f         fetch.Fetcher
		byteRange string
		want      fetch.Access
	}{
		{"a stream", streaming{}, "", fetch.Access{Status: 200, Sent: 4}},
		{"a stream that is short", short{}, "", fetch.Access{Status: 200, Sent: 4}},
		{"a body that can seek", broken{true}, "", fetch.Access{Status: 200, Sent: 50_000}},
		{"a part of one", broken{true}, "bytes=40000-60000", fetch.Access{Status: 206, Sent: 10_000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			told := make(chan fetch.Access, 1)
			url := serve(t, fetch.NewHandler(tt.f, &fetch.HandlerOptions{
				Access: func(_ context.Context, a fetch.Access) { told <- a },
			}))
			r, err := http.NewRequest("GET", url+"/example.com/hello/@v/v1.0.0.zip", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.byteRange != "" {
				r.Header.Set("Range", tt.byteRange)
			}
			resp, err := http.DefaultClient.Do(r)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if err == nil {
				t.Error("the client has noticed nothing")
			}
			if a := <-told; !a.Broken || a.Status != tt.want.Status || a.Sent != tt.want.Sent {
				t.Errorf("told of %+v, want it broken and %+v", a, tt.want)
			}
		})
	}
}

// The connection is broken also where what is around the handler has taken the length
// out of the answer, as one who compresses it, and nobody is told of it.
func TestWhatBreaksOffIsAborted(t *testing.T) {
	for name, f := range map[string]fetch.Fetcher{"a stream": streaming{}, "a short stream": short{}, "a body that can seek": broken{true}} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := recover(); p != http.ErrAbortHandler {
					t.Errorf("recovered %v, want http.ErrAbortHandler", p)
				}
			}()
			answerTo(fetch.NewHandler(f, nil), "GET", "/example.com/hello/@v/v1.0.0.zip")
		})
	}
}

// A file that was cut off after it was found is not taken for all there is.
func TestFileThatWasCutOff(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zip")
	if err := os.WriteFile(file, []byte("a zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	cut := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		resp, err := onFile(file).Fetch(ctx, req)
		if err == nil {
			err = os.Truncate(file, 1)
		}
		return resp, err
	})
	var told fetch.Access
	h := fetch.NewHandler(cut, &fetch.HandlerOptions{
		Access: func(_ context.Context, a fetch.Access) { told = a }, Logger: slog.New(slog.DiscardHandler),
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.zip", nil))
	if w.Code != 502 || told.Status != 502 || told.Outcome != fetch.Failed {
		t.Errorf("status %d, told of %+v", w.Code, told)
	}
}

// goneWriter is a ResponseWriter whose client has gone.
type goneWriter struct{ deafWriter }

func (goneWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAccessOfAClientThatWentAway(t *testing.T) {
	c := newClient(t, fetch.Options{Upstream: &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}})
	var told fetch.Access
	opts := &fetch.HandlerOptions{Access: func(_ context.Context, a fetch.Access) { told = a }, Logger: slog.New(slog.DiscardHandler)}
	for name, f := range map[string]fetch.Fetcher{"from memory": c, "the long way": long{c}} {
		t.Run(name, func(t *testing.T) {
			readKey(t, c, "example.com/hello/@v/v1.0.0.mod")
			h := fetch.NewHandler(f, opts)
			func() {
				defer func() { recover() }()
				h.ServeHTTP(&goneWriter{deafWriter{http.Header{}}}, httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.mod", nil))
			}()
			if !told.Broken || told.Sent != 0 || told.Outcome != fetch.HitMemory {
				t.Errorf("told of %+v", told)
			}
		})
	}
}

// What panics is no answer, and is told as none.
func TestAccessOfAPanic(t *testing.T) {
	tests := []struct {
		name string
		f    fetch.Fetcher
	}{
		{"the Fetcher", upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) { panic("broken") })},
		{"the store", newClient(t, fetch.Options{Store: panickingStore{}, Upstream: upstream.Off()})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var told fetch.Access
			opts := &fetch.HandlerOptions{Access: func(_ context.Context, a fetch.Access) { told = a }}
			func() {
				defer func() { recover() }()
				answerTo(fetch.NewHandler(tt.f, opts), "GET", "/example.com/hello/@v/list")
			}()
			got := fetch.Access{Status: told.Status, Broken: told.Broken, Outcome: told.Outcome, Request: told.Request}
			want := fetch.Access{Broken: true, Outcome: fetch.Failed, Request: request(t, upstream.List, "example.com/hello", "")}
			if got != want || told.Err == nil {
				t.Errorf("told of %+v, error %v; want %+v and an error", got, told.Err, want)
			}
		})
	}
}

// A client that sends megabytes gets no line of megabytes.
func TestLinesAreBounded(t *testing.T) {
	var told fetch.Access
	var log logbook
	h := fetch.NewHandler(newClient(t, fetch.Options{Upstream: upstream.Off()}), &fetch.HandlerOptions{
		Access: func(_ context.Context, a fetch.Access) { told = a }, Logger: log.logger(),
	})
	path := "/example.com/" + strings.Repeat("\u00e9", 1<<20) + "/@v/list"
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Path = path
	r.Header.Set("User-Agent", strings.Repeat("a", 1<<20))
	h.ServeHTTP(httptest.NewRecorder(), r)
	wantPath, wantAgent := path[:1<<10-3]+"...", strings.Repeat("a", 253)+"..."
	if told.Path != wantPath || told.Agent != wantAgent {
		t.Errorf("told of a path of %d bytes and an agent of %d, want %d and %d", len(told.Path), len(told.Agent), len(wantPath), len(wantAgent))
	}
	if lines := log.read(); len(lines) != 1 || lines[0]["path"] != wantPath {
		t.Errorf("logged: %d lines", len(lines))
	}
	r.Method = strings.Repeat("A", 1<<20)
	h.ServeHTTP(httptest.NewRecorder(), r)
	if want := strings.Repeat("A", 29) + "..."; told.Method != want {
		t.Errorf("told of a method of %d bytes, want %d", len(told.Method), len(want))
	}
}

// A caller who had no more time is told of as one who went away.
func TestAccessOfACallerWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told fetch.Access
		var log logbook
		c := newClient(t, fetch.Options{Upstream: &scripted{answer: slowly}})
		h := fetch.NewHandler(c, &fetch.HandlerOptions{
			Access: func(_ context.Context, a fetch.Access) { told = a }, Logger: log.logger(),
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/example.com/hello/@v/list", nil))
		if told.Outcome != fetch.Canceled || told.Status != 504 {
			t.Errorf("told of %v with status %d", told.Outcome, told.Status)
		}
		if lines := log.read(); len(lines) != 1 || lines[0]["level"] != "DEBUG" {
			t.Errorf("logged: %v", lines)
		}
		if n := c.Stats(); n.Requests[fetch.Canceled] != 1 || n.Success() != 1 {
			t.Errorf("outcomes %v, success %v; want one canceled, which does not count", n.Requests, n.Success())
		}
	})
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

// A story of many tries is told in a line for each source and reason.
func TestLongStoryIsFolded(t *testing.T) {
	var log logbook
	c := newClient(t, fetch.Options{
		Upstream: upstream.Mirrors(upstream.WithName("a", &scripted{answer: down}), upstream.WithName("b", &scripted{answer: down})),
		Retry:    &breaker.RetryOptions{Tries: 3, FirstWait: -1},
	})
	url := serve(t, fetch.NewHandler(c, &fetch.HandlerOptions{Logger: log.logger()}))
	get(t, url+"/example.com/hello/@v/list")
	lines := log.read()
	if len(lines) != 1 {
		t.Fatalf("%d lines, want 1", len(lines))
	}
	tried, _ := lines[0]["tried"].([]any)
	if len(tried) != 2 || !strings.HasSuffix(tried[0].(string), " (3 times)") || !strings.HasSuffix(tried[1].(string), " (3 times)") {
		t.Errorf("tried: %q", tried)
	}
}

func TestJoinAccess(t *testing.T) {
	var told []string
	note := func(name string) func(context.Context, fetch.Access) {
		return func(_ context.Context, a fetch.Access) { told = append(told, name+a.Path) }
	}
	fetch.JoinAccess(note("a"), nil, note("b"))(t.Context(), fetch.Access{Path: "/"})
	if diff := cmp.Diff([]string{"a/", "b/"}, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
