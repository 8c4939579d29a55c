package fetch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
)

// codeBlock returns the first block of README.md in the given language.
func codeBlock(t *testing.T, language string) string {
	t.Helper()
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "```"+language+"\n")
	block, _, closed := strings.Cut(rest, "\n```")
	if !ok || !closed {
		t.Fatalf("README.md has no block of %s", language)
	}
	return block + "\n"
}

func TestReadmeSnippetCompiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte(codeBlock(t, "go")), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "main"), file)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReadmeNamesEveryOption(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, options := range []any{fetch.Options{}, fetch.HandlerOptions{}} {
		for field := range reflect.TypeOf(options).Fields() {
			if !strings.Contains(string(data), "`"+field.Name+"`") {
				t.Errorf("README.md does not name %T.%s", options, field.Name)
			}
		}
	}
}
