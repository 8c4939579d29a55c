package fetch_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
)

// What a client sees when the first source of a list fails in some way and the
// second one has the file, does not have it, or is not there.
func TestStatusMatrix(t *testing.T) {
	const path = "/example.com/hello/@v/v1.0.0.mod"
	tests := []struct {
		name  string
		fault func(http.ResponseWriter, *http.Request) bool
		alone int // the status when it is the only source
		comma int // with ",": and another that has the file
		pipe  int // with "|" and one that has it
		lacks int // with "|" and one that says 404
	}{
		{"404", origin.Status(404), 404, 200, 200, 404},
		{"410", origin.Status(410), 410, 200, 200, 404},
		{"403", origin.Status(403), 403, 403, 200, 403},
		{"401", origin.Status(401), 403, 403, 200, 403},
		{"451", origin.Status(451), 403, 403, 200, 403},
		{"400", origin.Status(400), 502, 502, 200, 502},
		{"429", origin.Status(429), 502, 502, 200, 502},
		{"429 with Retry-After", retryLater(429), 503, 503, 200, 503},
		{"500", origin.Status(500), 502, 502, 200, 502},
		{"502", origin.Status(502), 502, 502, 200, 502},
		{"503", origin.Status(503), 502, 502, 200, 502},
		{"503 with Retry-After", retryLater(503), 503, 503, 200, 503},
		{"504", origin.Status(504), 504, 504, 200, 504},
		{"204", origin.Status(204), 502, 502, 200, 502},
		{"hangs", origin.Hang, 504, 504, 200, 504},
		{"breaks off", breakOff, 502, 502, 200, 502},
		{"resets", reset, 502, 502, 200, 502},
		{"a page instead of the file", page, 502, 502, 200, 502},
	}
	has := newOrigin(t)
	hasURL := serve(t, has)
	lacks := serve(t, http.NotFoundHandler())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := newOrigin(t)
			bad.Fail(tt.fault)
			badURL := serve(t, bad)
			for list, want := range map[string]int{
				badURL:                tt.alone,
				badURL + "," + hasURL: tt.comma,
				badURL + "|" + hasURL: tt.pipe,
				badURL + "|" + lacks:  tt.lacks,
			} {
				opts := proxyOptions(list)
				if tt.name == "hangs" {
					opts.HTTP = &upstream.HTTPOptions{FirstByteTimeout: 500 * time.Millisecond, ConnectTimeout: -1, TLSTimeout: -1}
				}
				h := fetch.NewHandler(newClient(t, opts), nil)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
				if want == 200 {
					if w.Code != 200 || w.Body.String() != string(has.File(path[1:])) {
						t.Errorf("%s: status %d: %s", list, w.Code, w.Body)
					}
					continue
				}
				checkErrorBody(t, list, w, want)
				if got := w.Header().Get("Retry-After"); (got != "") != (want == 503) {
					t.Errorf("%s: status %d with Retry-After %q", list, w.Code, got)
				}
			}
		})
	}
}

// A source that refuses connections is unavailable, never absent.
func TestRefusedIsNotAbsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	h := fetch.NewHandler(newClient(t, proxyOptions(url+",direct")), nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/list", nil))
	checkErrorBody(t, "refused", w, 502)
}

func retryLater(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(code)
		return true
	}
}

func breakOff(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Length", "1000")
	w.Write([]byte("module example.com/hello\n"))
	panic(http.ErrAbortHandler)
}

func reset(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

func page(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Type", "text/html")
	w.Write([]byte("<html><body>Please log in to the hotel's network</body></html>"))
	return true
}

// failSuffix answers 503 for keys that end so.
func failSuffix(suffix string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		w.WriteHeader(503)
		return true
	}
}
