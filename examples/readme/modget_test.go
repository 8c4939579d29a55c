//go:build unix

package readme_test

import (
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdModget builds modget from a clone, as its user does.
func cmdModget(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: modget")
	}
	s := stageOf(ts)
	clone, bin := filepath.Join(s.workDir, "clone-of-modget"), filepath.Join(s.workDir, "bin")
	ts.Check(ts.Exec("git", "clone", "--quiet", s.clone, clone))
	ts.Check(ts.Exec("go", "-C", clone, "build", "-o", filepath.Join(bin, "modget"), "./examples/modget"))
	ts.Setenv("PATH", bin+string(filepath.ListSeparator)+ts.Getenv("PATH"))
}
