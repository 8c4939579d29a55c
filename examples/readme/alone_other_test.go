//go:build unix && !linux

package readme_test

import "github.com/rogpeppe/go-internal/testscript"

// aloneKey is not set where alone does nothing.
const aloneKey = "BREAKWATER_TEST_ALONE"

// alone is for Linux.
func alone() (status int, ok bool) { return 0, false }

// cmdSmall is for scripts that run alone.
func cmdSmall(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("nothing can be mounted here")
}
