package verify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// One of two mirrors has another go.mod file than the one that the go.sum file
// vouches for. That is its failure, and the other one is asked.
func Example() {
	m := module.Version{Path: "golang.org/x/mod", Version: "v0.32.0"}
	mirror := func(name, goMod string) upstream.Upstream {
		return upstream.FS(name, fstest.MapFS{"golang.org/x/mod/@v/v0.32.0.mod": {Data: []byte(goMod)}})
	}
	bad, good := mirror("bad", "module golang.org/x/mod\n\nretract v0.31.0\n"), mirror("good", "module golang.org/x/mod\n")

	hash, err := verify.HashMod(strings.NewReader("module golang.org/x/mod\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	goSum, err := verify.ParseGoSum("go.sum", fmt.Appendf(nil, "%s %s/go.mod %s\n", m.Path, m.Version, hash))
	if err != nil {
		fmt.Println(err)
		return
	}

	// All that is checked of a source is around that source.
	check := func(source upstream.Upstream) upstream.Upstream {
		return upstream.Chain(source, verify.Mend(), verify.Checksums(), verify.Structure(), verify.Spooled(nil))
	}
	// What the file must hash to is asked for once, whoever sends it.
	ctx := verify.WithExpectation(context.Background(), verify.Begin(context.Background(), goSum, m, upstream.Mod))

	_, err = upstream.ReadMod(ctx, check(bad), m)
	if e, ok := errors.AsType[*verify.MismatchError](err); ok {
		fmt.Println(upstream.ClassOf(err), "by the word of", e.By)
	}
	goMod, err := upstream.ReadMod(ctx, upstream.Wrap(upstream.Mirrors(bad, good), check), m)
	fmt.Printf("%s%v\n", goMod, err)
	// Output:
	// untrusted by the word of go.sum
	// module golang.org/x/mod
	// <nil>
}
