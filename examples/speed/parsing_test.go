package main

import (
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// Both sides read every path, and refuse what is none.
func TestParsing(t *testing.T) {
	tests := map[string]bool{ // whether it is a path
		"/example.com/m/@v/v1":         false,
		"/example.com/m/v1.0.0.mod":    false,
		"/example.com/M/@v/v1.0.0.mod": false,
	}
	for _, path := range parsedPaths() {
		tests[path] = true
	}
	for path, want := range tests {
		for name, parse := range map[string]func(string) error{"ours": parseRequest, "the limit": unescapePath} {
			if err := parse(path); (err == nil) != want {
				t.Errorf("%s, %s: %v", name, path, err)
			}
		}
	}
}

// What is measured is a path that names what is escaped in it.
func TestParsedPathsAreEscaped(t *testing.T) {
	req, err := upstream.ParsePath(parsedPaths()[2])
	if err != nil || req.Module() != "github.com/BurntSushi/toml" {
		t.Errorf("%q, %v", req.Module(), err)
	}
}
