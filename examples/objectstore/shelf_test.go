package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/upstreamtest"
	"github.com/google/go-cmp/cmp"
)

func newShelf(t *testing.T, bucketURL string) upstream.Upstream {
	t.Helper()
	objects, err := newS3(bucketURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(objects.client.CloseIdleConnections)
	return shelf{"the bucket", objects}
}

func TestShelfKeepsThePromisesOfASource(t *testing.T) {
	want := map[string]string{
		"example.com/plus/@v/list":                     "v2.0.0+incompatible\n",
		"example.com/plus/@v/v2.0.0+incompatible.info": `{"Version":"v2.0.0+incompatible"}`,
		"example.com/!upper!case/@v/v1.0.0-pre.info":   `{"Version":"v1.0.0-pre"}`,
		"example.com/!upper!case/@v/list":              "v1.0.0-pre\n",
		"example.com/~tilde/v3/@v/v3.0.0.mod":          "module example.com/~tilde/v3\n",
		"example.com/~tilde/v3/@v/list":                "v3.0.0\n",
		"example.com/plus/@v/v2.0.0+incompatible.mod":  "module example.com/plus\n",
		"example.com/!upper!case/@v/v1.0.0-pre.mod":    "module example.com/UpperCase\n",
		"example.com/!upper!case/submodule/@v/list":    "v0.1.0\n",
		"example.com/!upper!case/submodule/@latest":    `{"Version":"v0.1.0"}`,
	}
	s := newStore(t)
	for key, content := range want {
		s.put(key, content)
	}
	for key, content := range tree(t) {
		s.put(key, content)
		want[key] = content
	}
	if err := upstreamtest.Test(newShelf(t, s.url), want); err != nil {
		t.Error(err)
	}
}

// Only "no such key" is absence.
func TestRefusals(t *testing.T) {
	for code, want := range map[string]upstream.Class{
		"NoSuchKey":          upstream.NotFound,
		"NoSuchBucket":       upstream.Unavailable,
		"AccessDenied":       upstream.Denied,
		"InvalidAccessKeyId": upstream.Denied,
		"SlowDown":           upstream.Unavailable,
		"InternalError":      upstream.Unavailable,
	} {
		t.Run(code, func(t *testing.T) {
			s := newStore(t)
			s.refuse(code)
			wantClass(t, newShelf(t, s.url), want)
		})
	}
	t.Run("a page of another server", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		defer server.Close()
		wantClass(t, newShelf(t, server.URL), upstream.Unavailable)
	})
	t.Run("a key that is missing in an answer that is none", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		}))
		defer server.Close()
		wantClass(t, newShelf(t, server.URL), upstream.Unavailable)
	})
	t.Run("nobody there", func(t *testing.T) {
		server := httptest.NewServer(nil)
		server.Close()
		wantClass(t, newShelf(t, server.URL), upstream.Unavailable)
	})
}

// A redirect may lead to a URL that is as good as a password.
func TestErrorsHoldNoURL(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	server := httptest.NewServer(http.RedirectHandler(gone.URL+"/?X-Amz-Signature=secret", http.StatusTemporaryRedirect))
	defer server.Close()
	_, err := upstream.ReadList(t.Context(), newShelf(t, server.URL), "example.com/hello")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v, want an error without the signature", err)
	}
}

func wantClass(t *testing.T, u upstream.Upstream, want upstream.Class) {
	t.Helper()
	_, err := upstream.ReadList(t.Context(), u, "example.com/hello")
	if diff := cmp.Diff(want.String(), upstream.ClassOf(err).String()); err == nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
