package fetch_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
)

// largeFile returns the name of a file of about 1 MB, and what is in it.
func largeFile(t *testing.T) (string, []byte) {
	t.Helper()
	var content []byte
	for i := range 100_000 {
		content = append(content, byte(i), byte(i>>8), byte(i>>16), 1, 2, 3, 4, 5, 6, 7, 8)
	}
	file := filepath.Join(t.TempDir(), "zip")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, content
}

// A few clients get a large file through a buffer. When there are more than four
// for each core, the kernel sends it: the server is given the file itself. All get the same.
func TestLargeFileIsCopiedToAFew(t *testing.T) {
	file, content := largeFile(t)
	h := fetch.NewHandler(onFile(file), nil)
	const from, to = 100, 900_000
	many := 4 * runtime.GOMAXPROCS(0)
	tests := []struct {
		name, part string
		others     int // that are being sent it
		byKernel   bool
		want       []byte
	}{
		{"alone", "", 0, false, content},
		{"a part, alone", "bytes=100-899999", 0, false, content[from:to]},
		{"with some others", "", many - 1, false, content},
		{"with others", "", many, true, content},
		{"a part, with others", "bytes=100-899999", many, true, content[from:to]},
		{"alone again", "", 0, false, content},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer sendToOthers(t, h, tt.others, content)()
			r := httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.zip", nil)
			if tt.part != "" {
				r.Header.Set("Range", tt.part)
			}
			w := &readerFrom{ResponseRecorder: httptest.NewRecorder()}
			h.ServeHTTP(w, r)
			if !bytes.Equal(w.Body.Bytes(), tt.want) {
				t.Errorf("%d bytes that are not the %d that were asked for", w.Body.Len(), len(tt.want))
			}
			byKernel := false
			for _, r := range w.from {
				part, _ := r.(*io.LimitedReader)
				if part == nil {
					t.Fatalf("the server got a %T", r)
				}
				_, byKernel = part.R.(*os.File)
			}
			if byKernel != tt.byKernel {
				t.Errorf("the server was given the file: %v, want %v", byKernel, tt.byKernel)
			}
		})
	}
}

// sendToOthers has some clients be sent a file, who stand still until stop is called.
func sendToOthers(t *testing.T, h http.Handler, others int, content []byte) (stop func()) {
	t.Helper()
	goOn := make(chan struct{})
	var begun, all sync.WaitGroup
	for range others {
		begun.Add(1)
		all.Go(func() {
			w := &slowWriter{ResponseRecorder: httptest.NewRecorder(), begun: begun.Done, goOn: goOn}
			h.ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.zip", nil))
			if !bytes.Equal(w.Body.Bytes(), content) {
				t.Errorf("another got %d bytes, want %d", w.Body.Len(), len(content))
			}
		})
	}
	begun.Wait()
	return func() {
		close(goOn)
		all.Wait()
	}
}

// A slowWriter stands still at its first write.
type slowWriter struct {
	*httptest.ResponseRecorder
	begun func()
	goOn  chan struct{}
	once  sync.Once
}

func (w *slowWriter) Write(p []byte) (int, error) {
	w.once.Do(func() {
		w.begun()
		<-w.goOn
	})
	return w.ResponseRecorder.Write(p)
}
