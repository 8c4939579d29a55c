package survey_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

var (
	small = module.Version{Path: "example.com/Small", Version: "v1.0.0"}
	large = module.Version{Path: "example.com/large/v2", Version: "v2.1.0"}
)

func sample() []module.Version { return []module.Version{small, large} }

// tree is what a source has, by the key of the request.
type tree map[string]string

// newTree returns all files of the sample.
func newTree(t testing.TB) tree {
	t.Helper()
	files := tree{}
	files.add(t, small, 1_000)
	files.add(t, large, 50_000)
	files["example.com/!small/@v/list"] = "v1.0.0\nv0.9.0\n"
	files["example.com/large/v2/@v/list"] = "v2.0.0\nv2.1.0\nv2.2.0-rc.1\n"
	files["example.com/!small/@latest"] = `{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}`
	files["example.com/large/v2/@latest"] = `{"Version":"v2.1.0","Time":"2026-01-01T00:00:00Z"}`
	return files
}

func (f tree) add(t testing.TB, m module.Version, size int) {
	t.Helper()
	goMod := "module " + m.Path + "\n"
	f[key(t, upstream.Mod, m)] = goMod
	f[key(t, upstream.Info, m)] = fmt.Sprintf(`{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, m.Version)
	f[key(t, upstream.Zip, m)] = zipOf(t, m, map[string]string{"go.mod": goMod, "data": noise(size)})
}

// noise returns bytes that cannot be compressed, and are always the same.
func noise(size int) string {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	return string(content)
}

func zipOf(t testing.TB, m module.Version, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		entry, err := w.Create(m.String() + "/" + name)
		if err == nil {
			_, err = io.WriteString(entry, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func key(t testing.TB, k upstream.Kind, m module.Version) string {
	t.Helper()
	req, err := upstream.NewRequest(k, m.Path, m.Version)
	if err != nil {
		t.Fatal(err)
	}
	return req.Key()
}

// with returns a copy in which a file is another; an empty one is not there.
func (f tree) with(key, content string) tree {
	other := maps.Clone(f)
	other[key] = content
	if content == "" {
		delete(other, key)
	}
	return other
}

// goSum vouches for all files of the sample.
func (f tree) goSum(t testing.TB) verify.Verifier {
	t.Helper()
	var b strings.Builder
	for _, m := range sample() {
		content := f[key(t, upstream.Zip, m)]
		ofZip, err := verify.HashZip(strings.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		ofMod, err := verify.HashMod(strings.NewReader(f[key(t, upstream.Mod, m)]))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", m.Path, m.Version, ofZip, ofMod)
	}
	sums, err := verify.ParseGoSum("go.sum", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// ServeHTTP is that of a module proxy.
func (f tree) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, ok := f[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, content)
}

// paced is a source that takes a while for each answer and for each byte.
func (f tree) paced(name string, latency, perByte time.Duration) survey.Source {
	fetch := func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		if err := wait(ctx, latency); err != nil {
			return nil, upstream.ContextError(ctx, req, name)
		}
		content, ok := f[req.Key()]
		if !ok {
			return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: name}
		}
		body := &slowBody{ctx: ctx, content: strings.NewReader(content), perByte: perByte}
		return &upstream.Response{Body: io.NopCloser(body), Size: int64(len(content)), Source: name}, nil
	}
	return survey.Source{Name: name, Upstream: upstream.WithName(name, upstream.Func(fetch))}
}

type slowBody struct {
	ctx     context.Context
	content io.Reader
	perByte time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.content.Read(p[:min(len(p), 100)])
	if late := wait(b.ctx, time.Duration(n)*b.perByte); late != nil {
		return 0, late
	}
	return n, err
}

// wait is how a source takes its time. Under synctest it takes none.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// serve has h answer on a loopback address until the test ends, and returns a source
// that asks there, under a name that is the same in each run.
func serve(t testing.TB, name string, h http.Handler) survey.Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return at(t, name, server.URL)
}

func at(t testing.TB, name, url string) survey.Source {
	t.Helper()
	u, err := upstream.NewHTTP(url, &upstream.HTTPOptions{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return survey.Source{Name: name, Upstream: u}
}

func run(t testing.TB, opts *survey.Options) *survey.Report {
	t.Helper()
	if opts.Sample == nil {
		opts.Sample = sample()
	}
	report, err := survey.Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// figures returns those of the source with a name.
func figures(t testing.TB, r *survey.Report, name string) survey.Figures {
	t.Helper()
	for _, f := range r.Sources {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no figures of %s", name)
	return survey.Figures{}
}
