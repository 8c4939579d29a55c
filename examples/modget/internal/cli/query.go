package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/spf13/cobra"
	"golang.org/x/mod/module"
)

// A queried version is what a version query stands for.
type queried struct {
	Path    string          `json:"path"`
	Query   string          `json:"query"`
	Version string          `json:"version"`
	Time    time.Time       `json:"time,omitzero"`    // of the commit
	Origin  json.RawMessage `json:"origin,omitempty"` // in the go command's form
	GoSum   []string        `json:"go_sum,omitempty"` // its lines in a go.sum, with -sum
}

func (a *app) queryCommand() *cobra.Command {
	var sum bool
	cmd := a.command("query [flags] MODULE[@QUERY] ...",
		"Say which version a query stands for",
		"Says which version a version query stands for: latest, v1, v1.2, <v1.5.0, >=v1.2.3, a\n"+
			"branch, a commit. Without one it is the latest.",
		some(1, "a module's path"),
		func(ctx context.Context, args []string) error { return a.query(ctx, args, sum) })
	cmd.Flags().BoolVar(&sum, "sum", false, "download it, and print its lines of a go.sum, verified")
	cmd.ValidArgsFunction = a.completeModule
	return cmd
}

func (a *app) query(ctx context.Context, args []string, sum bool) error {
	for _, arg := range args {
		path, query, _ := strings.Cut(arg, "@")
		if query == "patch" || query == "none" {
			return usagef("%q means something only beside a go.mod file: name a version, latest, v1 or a branch", query)
		}
		if err := checkModule(path); err != nil {
			return usageError{err}
		}
	}
	return a.with(ctx, nil, func(s *session) error {
		for _, arg := range args {
			q, err := newQueried(ctx, s, arg, sum)
			if err != nil {
				return err
			}
			if err := a.print(q, q.write); err != nil {
				return err
			}
		}
		return nil
	})
}

func newQueried(ctx context.Context, f fetch.Fetcher, arg string, sum bool) (queried, error) {
	path, query, _ := strings.Cut(arg, "@")
	if query == "" {
		query = "latest"
	}
	info, err := fetch.Resolve(ctx, f, path, query)
	if err != nil {
		return queried{}, err
	}
	q := queried{Path: path, Query: query, Version: info.Version, Time: info.Time, Origin: info.Origin}
	if sum {
		q.GoSum, err = goSumLines(ctx, f, module.Version{Path: path, Version: info.Version})
	}
	return q, err
}

// goSumLines returns a version's two lines of a go.sum, of files that passed
// verification.
func goSumLines(ctx context.Context, f fetch.Fetcher, m module.Version) ([]string, error) {
	zip, err := upstream.OpenZip(ctx, f, m)
	if err != nil {
		return nil, err
	}
	defer zip.Body.Close()
	zipSum, err := verify.HashZip(zip.Body.(io.ReaderAt), zip.Size)
	if err != nil {
		return nil, err
	}
	mod, err := upstream.ReadMod(ctx, f, m)
	if err != nil {
		return nil, err
	}
	modSum, err := verify.HashMod(strings.NewReader(string(mod)))
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s %s %s", m.Path, m.Version, zipSum),
		fmt.Sprintf("%s %s/go.mod %s", m.Path, m.Version, modSum),
	}, nil
}

func (q queried) write(w io.Writer) {
	if q.GoSum != nil {
		fmt.Fprintln(w, strings.Join(q.GoSum, "\n"))
		return
	}
	line := q.Path + " " + q.Version
	if !q.Time.IsZero() {
		line += " " + q.Time.UTC().Format(time.RFC3339)
	}
	fmt.Fprintln(w, line)
}
