package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// Whatever the file, it is refused if and only if the go command refuses it, and
// lists what the go command finds in it.
func FuzzParseGoSum(f *testing.F) {
	for _, seed := range []string{
		"", "\n", " \r\n", "a.example/m v1.0.0 h1:z=\na.example/m v1.0.0/go.mod h1:m=\n", "a v h1:x\na v h1:y\na v h2:z",
		"a v/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n", "a v\n", "a v h1:x y\n", "a /go.mod h1:", "\u00a0a\u2003v h1:\xff\x00\n", "a v/go.mod/go.mod h1:x",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, ok := readGoSum(data)
		g, err := verify.ParseGoSum("go.sum", data)
		if (err == nil) != ok {
			t.Fatalf("error is %v, want one: %v", err, !ok)
		}
		for m, hashes := range want {
			version, isMod := strings.CutSuffix(m.Version, "/go.mod")
			kind := upstream.Zip
			if isMod {
				kind = upstream.Mod
			}
			sums, _ := g.Expect(t.Context(), module.Version{Path: m.Path, Version: version}, kind)
			if diff := cmp.Diff(each(hashes), append(sums.Zip, sums.Mod...)); diff != "" {
				t.Errorf("hashes of %v (-go +ours):\n%s", m, diff)
			}
		}
	})
}

// each returns what is in list, once: the go command keeps what is listed twice, and
// compares with both.
func each(list []string) []string {
	var once []string
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// readGoSum is the go command's function of that name, and of its hashes those
// that it compares (cmd/go/internal/modfetch/fetch.go).
func readGoSum(data []byte) (map[module.Version][]string, bool) {
	sums := make(map[module.Version][]string)
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 {
			return nil, false
		}
		if f[2] == "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=" {
			continue
		}
		m := module.Version{Path: f[0], Version: f[1]}
		if strings.HasPrefix(f[2], "h1:") {
			sums[m] = append(sums[m], f[2])
		} else if sums[m] == nil {
			sums[m] = nil
		}
	}
	return sums, true
}
