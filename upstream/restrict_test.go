package upstream_test

import (
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

func TestMatchRestricted(t *testing.T) {
	for _, tt := range []struct {
		patterns, path string
		want           bool
	}{
		{"corp.example", "corp.example/a", true},
		{"corp.example/a", "corp.example/a/b", true},
		{"*.corp.example", "git.corp.example/a", true},
		{"other.example,corp.example/a", "corp.example/a", true},
		{"other.example,,corp.example/a/", "corp.example/A", true},
		{"corp.example/a", "corp.example", false},
		{"corp.example/a", "corp.example/ab", false},
		{"corp.example", "example.com/corp.example", false},
		{"", "corp.example/a", false},
		{",", "corp.example/a", false},
		{"corp.example/[", "corp.example/[", false},

		// The case of letters.
		{"corp.example/Team", "corp.example/team/a", true},
		{"corp.example/team", "corp.example/TEAM/a", true},
		{"Corp.Example/team", "corp.example/team", true},
		{"corp.example/Te*", "corp.example/tEam", true},
		{"corp.example/[A-T]eam", "corp.example/team", true},
		{"corp.example/[^A-Z]eam", "corp.example/team", true}, // as it is written
		{"corp.example/Team", "corp.example/teams", false},

		// The endings of version control systems.
		{"corp.example/a", "corp.example/a.git", true},
		{"corp.example/a", "corp.example/a.git/v2", true},
		{"corp.example/a", "corp.example/a.hg", true},
		{"corp.example/a", "corp.example/a.bzr", true},
		{"corp.example/a", "corp.example/a.svn", true},
		{"corp.example/a", "corp.example/a.fossil", true},
		{"corp.example/a", "corp.example/a.git.git", true},
		{"corp.example/a/b", "corp.example/a.git/b", true},
		{"corp.example/a/b", "corp.example/a.git/b.git", true},
		{"corp.example/A", "corp.example/a.GIT", true},
		{"corp.example/a.git", "corp.example/a", true},
		{"corp.example/a.git/", "corp.example/a", true},
		{"corp.example/A.git/b", "corp.example/a.git/b.git", true},
		{"corp.example/*.git", "corp.example/a", true},
		{"corp.example/a", "corp.example/agit", false},
		{"corp.example/a", "corp.example/a.github", false},
		{"corp.example/a", "corp.example/a.go", false},
		{"corp.example/a", "corp.example/b.git/a", false},
		{"corp.example/A.g?t", "corp.example/a.GIT", true},
		{"corp.example/.git", "corp.example/a", false}, // a name is more than its ending
		{"corp", "corp.git/a", false},                  // that is a host
		{"corp.git", "corp/a", false},
	} {
		if got := upstream.MatchRestricted(tt.patterns, tt.path); got != tt.want {
			t.Errorf("%q of %s: %v, want %v", tt.patterns, tt.path, got, tt.want)
		}
	}
}

// A restriction never reaches less far than the patterns say by themselves.
func FuzzMatchRestricted(f *testing.F) {
	f.Add("corp.example/[^A-Z]eam", "corp.example/team.git")
	f.Add("*.svn/.git,a/", "a/.git.git")
	f.Fuzz(func(t *testing.T, patterns, path string) {
		if module.MatchPrefixPatterns(patterns, path) && !upstream.MatchRestricted(patterns, path) {
			t.Errorf("%q does not match %q", patterns, path)
		}
	})
}

func TestCheckRestricted(t *testing.T) {
	for patterns, ok := range map[string]bool{
		"corp.example":   true,
		"corp.example,":  true,
		"":               false,
		",":              false,
		"corp.example/[": false,
	} {
		if err := upstream.CheckRestricted(patterns); (err == nil) != ok {
			t.Errorf("%q: %v, want ok = %v", patterns, err, ok)
		}
	}
}
