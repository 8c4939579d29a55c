package manifest

import (
	"fmt"
	"go/version"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"
)

// skipToolchain says that a file asks for a newer Go than the one that this program
// was built with, the only one that is known here. The go command would download
// it, as a module, and no go.mod file requires that.
func (m *Manifest) skipToolchain(file string, line *modfile.Go, toolchain *modfile.Toolchain) {
	wanted := newest(line, toolchain)
	local, _, _ := strings.Cut(runtime.Version(), " ") // the rest are experiments
	if wanted == "" || !version.IsValid(local) || version.Compare(wanted, local) <= 0 {
		return
	}
	m.skip("toolchain "+wanted, fmt.Sprintf("%s asks for it; a go command that is older, such as %s, needs "+
		"golang.org/toolchain@v0.0.1-%s.%s-%s: name that too, or install it where the build is",
		file, local, wanted, runtime.GOOS, runtime.GOARCH))
}

// newest returns which toolchain the go command switches to if its own is older
// than either line says (cmd/go/internal/toolchain, Select).
func newest(line *modfile.Go, toolchain *modfile.Toolchain) string {
	wanted := ""
	if line != nil {
		wanted = firstRelease("go" + line.Version)
	}
	if toolchain != nil && version.Compare(toolchain.Name, wanted) > 0 {
		wanted = toolchain.Name
	}
	return wanted
}

// firstRelease returns go1.21.0 for go1.21: since then the first release of a
// language version has a third number.
func firstRelease(wanted string) string {
	if version.Lang(wanted) == wanted && version.Compare(wanted, "go1.21") >= 0 {
		return wanted + ".0"
	}
	return wanted
}
