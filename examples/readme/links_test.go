//go:build unix

package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notInAnURL = regexp.MustCompile(`[^\w\- ]`)
)

// TestLinks is that what the documents point to in this repository is there.
func TestLinks(t *testing.T) {
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range linkTarget.FindAllStringSubmatch(string(data), -1) {
			if strings.HasPrefix(match[1], "https://") {
				continue
			}
			file, anchor, _ := strings.Cut(match[1], "#")
			if file == "" {
				file = name
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s points to %s: %v", name, match[1], err)
			} else if anchor != "" && !anchors(t, file)[anchor] {
				t.Errorf("%s points to %s, which has no such section", name, match[1])
			}
		}
	}
}

// anchors returns what a document's sections are called in links.
func anchors(t *testing.T, name string) map[string]bool {
	t.Helper()
	doc, err := readDocument(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, s := range doc {
		all[strings.ReplaceAll(notInAnURL.ReplaceAllString(strings.ToLower(s.name), ""), " ", "-")] = true
	}
	return all
}
