package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

var bundledModules = []module.Version{
	{Path: "public.example/m00", Version: "v1.0.0"}, {Path: "public.example/m01", Version: "v1.1.0"},
}

// exported returns the directory of a bundle of the modules.
func exported(t *testing.T, opts fetch.Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	files, err := fetch.ModuleFiles(bundledModules...)
	if err != nil {
		t.Fatal(err)
	}
	if err := newClient(t, opts).Export(t.Context(), dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The go command builds from a bundle, with nothing else to ask and the checksum
// database switched on.
func TestGoBuildsFromABundle(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	dir := exported(t, fetch.Options{Upstream: newMirror("mirror", o, 1).overSockets(t), Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}})
	work, gopath := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module work.example/w\n\ngo 1.26\n\nrequire (\n\tpublic.example/m00 v1.0.0\n\tpublic.example/m01 v1.1.0\n)\n",
		"main.go": "package main\n\nimport (\n\ta \"public.example/m00\"\n\tb \"public.example/m01\"\n)\n\nfunc main() { println(len(a.Noise), len(b.Noise)) }\n",
	} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"mod", "download"}, {"build", "-o", filepath.Join(work, "main"), "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "GOPROXY=file://"+filepath.ToSlash(dir), "GOSUMDB="+o.VerifierKey, "GOFLAGS=-modcacherw",
			"GOPATH="+gopath, "GOMODCACHE="+filepath.Join(gopath, "mod"), "GOTOOLCHAIN=local", "GOWORK=off", "GONOPROXY=", "GONOSUMDB=", "GOPRIVATE=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	data, err := os.ReadFile(filepath.Join(work, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := verify.ParseGoSum("go.sum", data)
	if err != nil {
		t.Fatal(err)
	}
	if files := fetch.BundleFiles(sums); len(files) != 6 {
		t.Errorf("the build's go.sum wants %v", files)
	}
}

// A bundle is verified when it is imported: what is forged is not taken.
func TestImport(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	settings := &fetch.GoSettings{GOSUMDB: o.VerifierKey}
	dir := exported(t, fetch.Options{Upstream: newMirror("mirror", o, 1).overSockets(t), Go: settings})
	forged := filepath.Join(dir, "public.example", "m01", "@v", "v1.1.0.zip")
	if err := os.WriteFile(forged, o.Forge("public.example/m01", "v1.1.0", "package forged"), 0o666); err != nil {
		t.Fatal(err)
	}
	store := cache.NewMemory(nil)
	// Nobody but the bundle is there to be asked.
	c := newClient(t, fetch.Options{Upstream: upstream.Off(), Store: store, Go: settings})
	n, err := c.Import(t.Context(), dir)
	if n != 6 || err == nil || !strings.Contains(err.Error(), "m01") || strings.Contains(err.Error(), "m00") {
		t.Errorf("imported %d files: %v", n, err)
	}
	for _, m := range bundledModules {
		for _, k := range []upstream.Kind{upstream.Info, upstream.Mod, upstream.Zip} {
			req := request(t, k, m.Path, m.Version)
			resp, err := c.Fetch(t.Context(), req)
			if wrong := m.Path == "public.example/m01" && k == upstream.Zip; wrong {
				if err == nil {
					t.Errorf("%s was taken", req.Key())
				}
				continue
			}
			if err != nil {
				t.Error(err)
				continue
			}
			if read(t, resp) != string(o.File(req.Key())) || k != upstream.Info && resp.Verified != verify.ByDatabase {
				t.Errorf("%s is wrong, or verified by %q", req.Key(), resp.Verified)
			}
		}
	}
}

// An export that was interrupted goes on where it was, in a directory where other
// things lie, too.
func TestExportAgain(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	m := newMirror("mirror", o, 1)
	source := m.overSockets(t)
	opts := func() fetch.Options {
		return fetch.Options{Upstream: source, Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}}
	}
	files, err := fetch.ModuleFiles(bundledModules...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("kept"), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	m.set(func(_ *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
		if strings.HasSuffix(r.URL.Path, ".zip") {
			interrupt()
		}
		return w, false
	})
	if err := newClient(t, opts()).Export(ctx, dir, files); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	m.set(nil)
	for range 2 { // each with a cache of its own, that is empty
		if err := newClient(t, opts()).Export(t.Context(), dir, files); err != nil {
			t.Fatal(err)
		}
	}
	for _, req := range files {
		if data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(req.Key()))); err != nil || string(data) != string(o.File(req.Key())) {
			t.Errorf("%s: %d bytes, %v", req.Key(), len(data), err)
		}
	}
	m.paths()
	if err := newClient(t, opts()).Export(t.Context(), dir, files); err != nil {
		t.Fatal(err)
	}
	if asked := m.paths(); len(asked) > 0 {
		t.Errorf("asked for %v, which is in the bundle", asked)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "README")); string(data) != "kept" {
		t.Errorf("what lay there is %q: %v", data, err)
	}
}

// What nobody vouches for does not get into a bundle, however lenient the Client
// is with itself.
func TestExportOfTheUnverified(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	m := newMirror("mirror", o, 1)
	m.set(onlyFor("/sumdb/", statusOf(503, 0)))
	c := newClient(t, fetch.Options{Upstream: m.overSockets(t), Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}, WhenReachable: true})
	files, err := fetch.ModuleFiles(bundledModules[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = c.Export(t.Context(), dir, files)
	if upstream.ClassOf(err) != upstream.Unavailable || !strings.Contains(err.Error(), "cannot be verified") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"v1.0.0.info"}, filesIn(t, filepath.Join(dir, "public.example", "m00", "@v"))); diff != "" {
		t.Errorf("exported (-want +got):\n%s", diff)
	}
}

// Modules that have a source of their own come from the bundle where a go.sum lists
// them, and their source is not asked. What is claimed and has no source is not
// taken.
func TestImportOfPrivateModules(t *testing.T) {
	o := chaosOrigin(t, "private.example", 2)
	m := newMirror("private", o, 1)
	source := m.overSockets(t)
	options := func() fetch.Options {
		return fetch.Options{
			Upstream: upstream.Off(), Claimed: "private.example", GoSum: goSumOf(t, o, "private.example/m00", "v1.0.0"),
			Private: []upstream.Route{{Patterns: "private.example/m00", Upstream: source}},
		}
	}
	both, err := fetch.ModuleFiles(
		module.Version{Path: "private.example/m00", Version: "v1.0.0"}, module.Version{Path: "private.example/m01", Version: "v1.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := newClient(t, fetch.Options{Upstream: source}).Export(t.Context(), dir, both); err != nil {
		t.Fatal(err)
	}
	m.paths()
	c := newClient(t, options())
	n, err := c.Import(t.Context(), dir)
	if n != 6 || upstream.ClassOf(err) != upstream.Denied || strings.Contains(err.Error(), "m00") {
		t.Errorf("imported %d files: %v", n, err)
	}
	for _, req := range both {
		resp, err := c.Fetch(upstream.WithOffline(t.Context()), req)
		if err == nil {
			resp.Body.Close()
		}
		if want := req.Module() == "private.example/m00"; (err == nil) != want {
			t.Errorf("%s: %v", req.Key(), err)
		}
	}
	if asked := m.paths(); len(asked) > 0 {
		t.Errorf("the private source was asked for %v", asked)
	}
}

// goSumOf returns a go.sum that lists the module as the origin has it.
func goSumOf(t *testing.T, o *origin.Origin, path, version string) *verify.GoSum {
	t.Helper()
	file := func(k upstream.Kind) []byte { return o.File(request(t, k, path, version).Key()) }
	mod, err := verify.HashMod(bytes.NewReader(file(upstream.Mod)))
	if err != nil {
		t.Fatal(err)
	}
	content := file(upstream.Zip)
	zip, err := verify.HashZip(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := verify.ParseGoSum("go.sum", fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, zip, path, version, mod))
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// A store that only reads says so at once.
func TestImportIntoWhatOnlyReads(t *testing.T) {
	store, err := cache.OpenReadOnly(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.(io.Closer).Close()
	o := chaosOrigin(t, "public.example", 34)
	settings := &fetch.GoSettings{GOSUMDB: o.VerifierKey}
	dir := exported(t, fetch.Options{Upstream: newMirror("mirror", o, 1).overSockets(t), Go: settings})
	c := newClient(t, fetch.Options{Upstream: upstream.Off(), Store: store, Go: settings})
	if n, err := c.Import(t.Context(), dir); n != 0 || !errors.Is(err, cache.ErrReadOnly) {
		t.Errorf("imported %d files: %v", n, err)
	}
}

// However much of a bundle is damaged, the rest is taken, and at once: a file does
// not get better by waiting, nor does one say anything of another.
func TestImportOfTheDamaged(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		damaged := 0
		for _, key := range o.Keys() {
			file := filepath.Join(dir, filepath.FromSlash(key))
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			content := o.File(key)
			if damaged < 40 && (strings.HasSuffix(key, ".info") || strings.HasSuffix(key, ".zip")) {
				content, damaged = content[:10], damaged+1
			}
			if err := os.WriteFile(file, content, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		c := newClient(t, fetch.Options{Upstream: upstream.Off(), Retry: &breaker.RetryOptions{}})
		n, err := c.Import(t.Context(), dir)
		if failed := strings.Count(err.Error(), "\n") + 1; n != 3*34 || failed != damaged {
			t.Errorf("of %d files %d failed, want %d: %v", n, failed, damaged, err)
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("the import took %v", took)
		}
	})
}

// Of a bundle in which everything is forged the error stays readable.
func TestImportOfManyForged(t *testing.T) {
	dir := t.TempDir()
	versions := filepath.Join(dir, "example.com", "m", "@v")
	if err := os.MkdirAll(versions, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		if err := os.WriteFile(filepath.Join(versions, fmt.Sprintf("v1.%d.0.info", i)), []byte("forged"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	n, err := newClient(t, fetch.Options{Upstream: upstream.Off()}).Import(t.Context(), dir)
	if n != 150 || err == nil || !strings.Contains(err.Error(), "and 50 more files failed") || strings.Count(err.Error(), "(info)") != 100 {
		t.Errorf("imported %d files: %v", n, err)
	}
}

// What cannot be had is in the error, and the rest in the bundle.
func TestExportOfWhatIsNotThere(t *testing.T) {
	o := newOrigin(t)
	files, err := fetch.ModuleFiles(module.Version{Path: "example.com/hello", Version: "v1.0.0"}, module.Version{Path: "example.com/nothing", Version: "v1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = newClient(t, proxyOptions(serve(t, o))).Export(t.Context(), dir, files)
	if err == nil || !strings.Contains(err.Error(), "example.com/nothing") || strings.Contains(err.Error(), "example.com/hello") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "example.com", "hello", "@v", "v1.0.0.zip")); err != nil {
		t.Error(err)
	}
}

// Where GOSUMDB says by which URL the database is asked, a bundle has its proofs, too.
func TestExportWithADatabaseByURL(t *testing.T) {
	o := newOrigin(t)
	database := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/sumdb/" + origin.DatabaseName + r.URL.Path
		o.ServeHTTP(w, r)
	}))
	files, err := fetch.ModuleFiles(module.Version{Path: "example.com/hello", Version: "v1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	opts := proxyOptions(serve(t, o))
	opts.Go.GOSUMDB = o.VerifierKey + " " + database
	if err := newClient(t, opts).Export(t.Context(), dir, files); err != nil {
		t.Fatal(err)
	}
	opts = proxyOptions("off")
	opts.Go.GOSUMDB = o.VerifierKey + " " + database
	if n, err := newClient(t, opts).Import(t.Context(), dir); n != 3 || err != nil {
		t.Errorf("imported %d files: %v", n, err)
	}
}
