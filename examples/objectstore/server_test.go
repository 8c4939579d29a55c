package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// A store answers as S3 does, path-style: it has the bucket "modules", and in it,
// below "go/", the fixture's modules.
type store struct {
	url string // of the bucket and the prefix

	fail atomic.Pointer[string] // the code with which everything is refused

	mu      sync.Mutex
	objects map[string]string
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{objects: tree(t)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL + "/modules/go"
	return s
}

// tree returns the fixture's files by their keys.
func tree(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	dir := fixture.NewTree(t)
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, name)
		files[filepath.ToSlash(key)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func (s *store) refuse(code string) { s.fail.Store(&code) }

func (s *store) put(key, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = content
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if code := s.fail.Load(); code != nil {
		answer(w, *code)
		return
	}
	path, err := url.QueryUnescape(r.URL.EscapedPath()) // a plus sign is a space
	key, ours := strings.CutPrefix(path, "/modules/")
	if err != nil || !ours {
		answer(w, "NoSuchBucket")
		return
	}
	s.mu.Lock()
	content, ok := s.objects[strings.TrimPrefix(key, "go/")]
	s.mu.Unlock()
	if !ok {
		answer(w, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
	http.ServeContent(w, r, "", time.Unix(1700000000, 0), strings.NewReader(content))
}

// answer refuses a request as S3 does
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func answer(w http.ResponseWriter, code string) {
	status := map[string]int{
		"NoSuchKey": 404, "NoSuchBucket": 404, "AccessDenied": 403, "InvalidAccessKeyId": 403, "SlowDown": 503, "InternalError": 500,
	}[code]
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>refused</Message><RequestId>1</RequestId></Error>", code)
}
