package gocmd

import (
	"context"
	"errors"
	"fmt"
	"go/version"
	"os"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/modfile"
)

var errNoZip = errors.New("the version exists, but its zip could not be made")

// unpacked judges the failure to make the zip of a version whose go.mod file
// was had, which proves that the version exists. ok is false for all others.
func (j *judge) unpacked(ctx context.Context) (v verdict, ok bool) {
	if j.req.Kind() != upstream.Zip {
		return verdict{}, false
	}
	key := strings.TrimSuffix(j.req.Key(), "zip") + "mod"
	data, err := os.ReadFile(j.ws.cached(key))
	if err != nil {
		return verdict{}, false
	}
	if err := j.tooNew(ctx, data); err != nil {
		return verdict{class: upstream.Denied, cause: err}, true
	}
	return verdict{cause: errNoZip}, true
}

// tooNew says whether the version is for a newer Go than the go command, which
// therefore refuses to make its zip (modfetch/coderepo.go, Zip); nil: it is not,
// or nobody knows.
func (j *judge) tooNew(ctx context.Context, gomod []byte) error {
	file, err := modfile.ParseLax("go.mod", gomod, nil)
	if err != nil || file.Go == nil {
		return nil
	}
	out := j.source.run(ctx, j.ws, j.ses, []string{"env", "GOVERSION"})
	have, _, _ := strings.Cut(strings.TrimSpace(string(out.stdout)), " ")
	if out.err != nil || version.Compare("go"+file.Go.Version, have) <= 0 {
		return nil
	}
	return fmt.Errorf("the version is for go %s or later, and the go command is %s: have %s name a newer one", file.Go.Version, have, option("Go"))
}
