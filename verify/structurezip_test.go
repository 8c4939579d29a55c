package verify_test

import (
	archive "archive/zip"
	"fmt"
	"strings"
	"testing"
)

func TestZip(t *testing.T) {
	const (
		prefix     = "a.example/m@v1.0.0/"
		upperKey   = "a.example/!m/@v/v1.0.0.zip"
		majorKey   = "a.example/m/v2/@v/v2.1.0.zip"
		oldKey     = "a.example/m/@v/v2.1.0+incompatible.zip"
		pseudo     = "v0.0.0-20260102030405-abcdef123456"
		outside    = "does not have prefix"
		notZip     = "not a valid zip file"
		tooLarge   = "too large"
		misplaced  = "go.mod file not in module root directory"
		wrongCase  = "go.mod files must have lowercase names"
		wrongNames = "not a good module zip"
	)
	license := file{"LICENSE", "as you like\n"}
	checkForms(t, []form{
		{"good", zipKey, goodZip(t), ""},
		{"without go.mod", zipKey, moduleZip(t, "a.example/m", "v1.0.0", license), ""},
		{"without files", zipKey, moduleZip(t, "a.example/m", "v1.0.0"), ""},
		{"upper case in the path", upperKey, moduleZip(t, "a.example/M", "v1.0.0", license), ""},
		{"major version", majorKey, moduleZip(t, "a.example/m/v2", "v2.1.0", license), ""},
		{"incompatible version", oldKey, moduleZip(t, "a.example/m", "v2.1.0+incompatible", license), ""},
		{"pseudo-version", "a.example/m/@v/" + pseudo + ".zip", moduleZip(t, "a.example/m", pseudo, license), ""},
		{"with directories", zipKey, rawZip(t, prefix, prefix+"d/", prefix+"d/f"), ""},

		{"of another version", zipKey, moduleZip(t, "a.example/m", "v1.0.1", license), outside},
		{"of another module", zipKey, moduleZip(t, "a.example/n", "v1.0.0", license), outside},
		{"with its path escaped", upperKey, rawZip(t, "a.example/!m@v1.0.0/f"), outside},
		{"with one file outside", zipKey, rawZip(t, prefix+"go.mod", "a.example/f"), outside},
		{"with a prefix that goes on", zipKey, rawZip(t, "a.example/m@v1.0.0-rc.1/f"), outside},
		{"of a repository", zipKey, rawZip(t, "m-1.0.0/go.mod", "m-1.0.0/m.go"), outside},
		{"climbing out", zipKey, rawZip(t, prefix+"../../../etc/passwd"), wrongNames},
		{"absolute", zipKey, rawZip(t, "/etc/passwd"), outside},
		{"double slash", zipKey, rawZip(t, prefix+"/f"), wrongNames},
		{"backslash", zipKey, rawZip(t, prefix+`..\f`), wrongNames},
		{"reserved on Windows", zipKey, rawZip(t, prefix+"con.go"), wrongNames},
		{"same file twice", zipKey, rawZip(t, prefix+"f", prefix+"f"), "multiple entries"},
		{"files that differ in case only", zipKey, rawZip(t, prefix+"f", prefix+"F"), "case-insensitive"},
		{"go.mod in capitals", zipKey, rawZip(t, prefix+"GO.MOD"), wrongCase},
		{"go.mod in a directory", zipKey, rawZip(t, prefix+"sub/go.mod"), misplaced},

		{"claiming more than a module may hold", zipKey, headerZip(t, claiming(prefix+"f", 500<<20+1)), tooLarge},
		{"claiming as much as a module may hold", zipKey, headerZip(t, claiming(prefix+"f", 500<<20)), ""},
		{"claiming too much in all", zipKey, manyClaiming(t, prefix, 6, 100<<20), tooLarge},
		{"claiming what overflows", zipKey, headerZip(t, claiming(prefix+"f", 1<<63), claiming(prefix+"g", 1<<63)), tooLarge},
		{"claiming a large go.mod", zipKey, headerZip(t, claiming(prefix+"go.mod", 16<<20+1)), tooLarge},
		{"claiming a large LICENSE", zipKey, headerZip(t, claiming(prefix+"LICENSE", 16<<20+1)), tooLarge},

		{"empty", zipKey, "", notZip},
		{"page", zipKey, "<!DOCTYPE html><title>Sign in</title>", notZip},
		{"JSON", zipKey, `{"error":"rate limited"}`, notZip},
		{"tarball", zipKey, "\x1f\x8b\x08" + strings.Repeat("\x00", 512), notZip},
		{"zeros", zipKey, strings.Repeat("\x00", 4096), notZip},
		{"signature alone", zipKey, "PK\x03\x04", notZip},
	})
}

func manyClaiming(t *testing.T, prefix string, n int, size uint64) string {
	headers := make([]archive.FileHeader, n)
	for i := range headers {
		headers[i] = claiming(fmt.Sprintf("%sf%d", prefix, i), size)
	}
	return headerZip(t, headers...)
}

// The directory of a zip is at its end, so whatever is missing there is noticed.
// That the files before it are in order is not a question of form: only their
// hash says so.
func TestTruncatedZip(t *testing.T) {
	whole := goodZip(t)
	var forms []form
	for _, length := range []int{1, 30, len(whole) / 4, len(whole) / 2, len(whole) - 100, len(whole) - 22, len(whole) - 1} {
		name := fmt.Sprintf("%d of %d bytes", length, len(whole))
		forms = append(forms, form{name, zipKey, whole[:length], "not a valid zip file"})
	}
	forms = append(forms,
		form{"corrupt", zipKey, strings.Repeat("x", 100) + whole[100:], ""},
		form{"whole", zipKey, whole, ""})
	checkForms(t, forms)
}
