package gocmd

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream/auth"
)

// forGit returns what git may know of a netrc file, if that is not all of it: git's
// HTTP library would give a default entry to every host that asks.
func forGit(netrc string) (content string, partly bool, err error) {
	data, err := os.ReadFile(netrc)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil || !slices.Contains(strings.Fields(string(data)), "default") {
		return "", false, err
	}
	var b strings.Builder
	for _, l := range auth.ParseNetrc(string(data)) {
		b.WriteString("machine " + l.Machine + " login " + l.Name + " password " + l.Password + "\n")
	}
	return b.String(), true, nil
}
