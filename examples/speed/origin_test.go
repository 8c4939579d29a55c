package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newTestOrigin serves one file of the given size at /m/@v/list.
func newTestOrigin(t *testing.T, size, rate int, delay time.Duration) *origin {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "m", "@v", "list")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("x", size)), 0o666); err != nil {
		t.Fatal(err)
	}
	o, err := newOrigin(serving{Tree: dir, Rate: rate, Delay: int(delay / time.Microsecond)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOriginSendsAtItsRate(t *testing.T) {
	for _, tt := range []struct {
		name       string
		size, rate int
		delay      time.Duration
		want       time.Duration
	}{
		{"at once", 10 << 20, 0, 0, 0},
		{"a second's worth", 1_000_000, 1_000_000, 0, time.Second},
		{"a piece", 100, 1000, 0, 100 * time.Millisecond},
		{"far away", 1000, 1000, time.Second, 2 * time.Second},
	} {
		o := newTestOrigin(t, tt.size, tt.rate, tt.delay)
		synctest.Test(t, func(t *testing.T) {
			begun, w := time.Now(), httptest.NewRecorder()
			o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/m/@v/list", nil))
			if got := time.Since(begun); got != tt.want || w.Body.Len() != tt.size {
				t.Errorf("%s: %d bytes in %v, want %d in %v", tt.name, w.Body.Len(), got, tt.size, tt.want)
			}
		})
	}
}

func TestOriginCounts(t *testing.T) {
	o := newTestOrigin(t, 1, 0, 0)
	for _, tt := range []struct {
		path string
		want int
		body string
	}{
		{askedPath, http.StatusOK, "0"},
		{"/m/@v/list", http.StatusOK, "x"},
		{"/absent", http.StatusNotFound, "404 page not found\n"},
		{askedPath, http.StatusOK, "2"},
	} {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil))
		if w.Code != tt.want || w.Body.String() != tt.body {
			t.Errorf("%s: %d %q, want %d %q", tt.path, w.Code, w.Body, tt.want, tt.body)
		}
	}
}
