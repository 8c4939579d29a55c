//go:build unix

package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// elsewhere are the sections whose commands are run by others.
var elsewhere = map[string]string{
	"Tests": "they run these scripts; .ci/run runs them",
}

// TestEverythingIsRun is that no command and no error message of README.md is
// there that no script runs or makes happen, and that scripts name sections that
// there are.
func TestEverythingIsRun(t *testing.T) {
	doc, err := readDocument(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	run, shown := named(t, `(?m)^readme '([^']+)'`), named(t, `(?m)^shows \w+ '([^']+)'`)
	for _, s := range doc {
		if len(s.steps) > 0 && !run[s.name] && elsewhere[s.name] == "" {
			t.Errorf("README.md:%d: no script runs the commands of section %q", s.steps[0].line, s.name)
		}
		if _, err := s.block("text"); err == nil && !shown[s.name] {
			t.Errorf("no script makes happen what README.md shows in section %q", s.name)
		}
		delete(run, s.name)
		delete(shown, s.name)
	}
	for name := range run {
		t.Errorf("a script runs section %q, which README.md does not have", name)
	}
	for name := range shown {
		t.Errorf("a script shows section %q, which README.md does not have", name)
	}
	for name, reason := range elsewhere {
		if _, err := doc.section(name); err != nil {
			t.Errorf("%v (%s)", err, reason)
		}
	}
}

// named returns what the pattern's group matches in the scripts.
func named(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	names := map[string]bool{}
	for _, script := range scripts {
		data, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(data), -1) {
			names[match[1]] = true
		}
	}
	return names
}
