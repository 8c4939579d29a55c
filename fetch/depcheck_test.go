package fetch_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"
)

const modulePath = "github.com/breakwater-go/breakwater"

// What the packages below each directory may import beside the standard library
// and themselves. Tests may import more.
var mayImport = map[string][]string{
	"upstream": {"golang.org/x/mod"},
	"cache":    {"github.com/hashicorp/golang-lru/v2"},
	"breaker":  {"upstream", "github.com/sony/gobreaker/v2", "github.com/cenkalti/backoff/v4"},
	"verify":   {"upstream", "cache", "golang.org/x/mod"},
	"fetch": {"upstream", "cache", "breaker", "verify", "golang.org/x/mod", "github.com/hashicorp/golang-lru/v2",
		"github.com/rogpeppe/go-internal"}, // the last for fetch/internal/origin, which only tests use
}

func TestImportDirection(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		home, _, _ := strings.Cut(strings.TrimPrefix(pkg.ImportPath, modulePath+"/"), "/")
		if _, ok := mayImport[home]; !ok {
			t.Errorf("%s: no such directory was asked for", pkg.ImportPath)
		}
		for _, imported := range pkg.Imports {
			if !allowed(home, imported) {
				t.Errorf("%s may not import %s", pkg.ImportPath, imported)
			}
		}
	}
}

func allowed(home, imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true
	}
	inside := strings.TrimPrefix(imported, modulePath+"/")
	return slices.ContainsFunc(append([]string{home}, mayImport[home]...), func(dir string) bool {
		return inside == dir || strings.HasPrefix(inside, dir+"/")
	})
}

func TestDirectDependencies(t *testing.T) {
	data, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range file.Require {
		if !r.Indirect {
			direct = append(direct, r.Mod.Path)
		}
	}
	want := []string{
		"github.com/cenkalti/backoff/v4",
		"github.com/google/go-cmp",
		"github.com/hashicorp/golang-lru/v2",
		"github.com/rogpeppe/go-internal",
		"github.com/sony/gobreaker/v2",
		"golang.org/x/mod",
	}
	slices.Sort(direct)
	if diff := cmp.Diff(want, direct); diff != "" {
		t.Errorf("direct dependencies (-want +got):\n%s", diff)
	}
}
