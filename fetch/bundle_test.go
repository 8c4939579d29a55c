package fetch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
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
