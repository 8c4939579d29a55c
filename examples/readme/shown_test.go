//go:build unix

package readme_test

import (
	"regexp"
	"strings"
	"testing"
)

// shows tells whether output is what README.md shows: a line "..." stands for any
// lines, or none, and [...] for any text within a line. Blanks at the ends of
// lines do not count, nor does how wide the gaps between columns are, which are two
// blanks or more.
func shows(shown, output string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for line := range strings.Lines(trimmed(shown)) {
		if line == "...\n" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		quoted := strings.ReplaceAll(regexp.QuoteMeta(line), `\[\.\.\.\]`, `.*`)
		pattern.WriteString(gap.ReplaceAllString(quoted, ` {2,}`))
	}
	pattern.WriteString(`\z`)
	return regexp.MustCompile(pattern.String()).MatchString(trimmed(output))
}

// gap is what is between columns.
var gap = regexp.MustCompile(` {2,}`)

func trimmed(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \t\r\n") + "\n")
	}
	return b.String()
}

func TestShows(t *testing.T) {
	for _, test := range []struct {
		shown, output string
		want          bool
	}{
		{"", "", true},
		{"", "something\n", false},
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a \nb", true},
		{"a\n", "a\nb\n", false},
		{"b\n", "a\nb\n", false},
		{"a.c\n", "abc\n", false},
		{"...\nb\n", "b\n", true},
		{"...\nb\n", "a\na\nb\n", true},
		{"...\n", "", true},
		{"a\n...\n", "a\n", true},
		{"a\n...\nc\n", "a\nb\n", false},
		{"took [...] ms\n", "took 12.5 ms\n", true},
		{"took [...] ms\n", "took 12.5 s\n", false},
		{"[...]b\n", "a\nb\n", false},
		{"a  b\n", "a     b\n", true},
		{"a    b\n", "a  b\n", true},
		{"a  b\n", "a b\n", false},
		{"a b\n", "a  b\n", false},
	} {
		if got := shows(test.shown, test.output); got != test.want {
			t.Errorf("shows(%q, %q) is %v", test.shown, test.output, got)
		}
	}
}
