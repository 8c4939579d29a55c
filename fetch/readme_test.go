package fetch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// programs returns the Go programs in README.md.
func programs(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, rest := range strings.Split(string(data), "```go\n")[1:] {
		if program, _, _ := strings.Cut(rest, "\n```"); strings.HasPrefix(program, "package ") {
			all = append(all, program+"\n")
		}
	}
	return all
}

func TestReadmeProgramsCompile(t *testing.T) {
	all := programs(t)
	if len(all) != 2 {
		t.Errorf("README.md has %d programs, want 2", len(all))
	}
	for _, program := range all {
		dir := t.TempDir()
		file := filepath.Join(dir, "main.go")
		if err := os.WriteFile(file, []byte(program), 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "main"), file)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestReadmeNamesEveryOption(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, options := range []any{
		fetch.Options{}, fetch.HandlerOptions{}, fetch.PrefetchOptions{}, breaker.CircuitOptions{}, breaker.RetryOptions{}, breaker.LimitOptions{},
		breaker.ProbeOptions{}, upstream.HedgeOptions{}, upstream.MirrorsOptions{}, verify.SpoolOptions{},
	} {
		for field := range reflect.TypeOf(options).Fields() {
			if !field.IsExported() {
				continue
			}
			named := strings.Contains(string(data), "`"+field.Name+"`") || strings.Contains(string(data), "."+field.Name+"`")
			if !named && field.Type.String() != "func(int64) *cache.Spool" { // which a Client does not look at
				t.Errorf("README.md does not name %T.%s", options, field.Name)
			}
		}
	}
}
