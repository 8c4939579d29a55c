package fetch_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// What a go.sum file lists is carried into a network without a way out, as an archive.
func ExampleClient_Export() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	goMod := "module golang.org/x/mod\n"
	hash, err := verify.HashMod(strings.NewReader(goMod))
	if err != nil {
		log.Fatal(err)
	}
	goSum, err := verify.ParseGoSum("go.sum", []byte("golang.org/x/mod v0.32.0/go.mod "+hash+"\n")) // for you: verify.ReadGoSum
	if err != nil {
		log.Fatal(err)
	}

	// Outside, where there are sources.
	outside, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{"golang.org/x/mod/@v/v0.32.0.mod": {Data: []byte(goMod)}}),
		Store:    cache.NewMemory(nil),
		Go:       &fetch.GoSettings{GOSUMDB: "off"},
		GoSum:    goSum,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer outside.Close()
	if err := outside.Export(ctx, filepath.Join(dir, "bundle"), fetch.BundleFiles(goSum)); err != nil {
		log.Fatal(err)
	}
	var archive bytes.Buffer // for you: a file on a medium
	if err := fetch.WriteBundle(&archive, filepath.Join(dir, "bundle")); err != nil {
		log.Fatal(err)
	}

	// Inside, where there are none.
	inside, err := fetch.New(&fetch.Options{
		Offline: true,
		Store:   cache.NewMemory(nil),
		Go:      &fetch.GoSettings{GOPROXY: "off", GOSUMDB: "off"},
		GoSum:   goSum,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer inside.Close()
	if err := fetch.ReadBundle(&archive, filepath.Join(dir, "unpacked"), nil); err != nil {
		log.Fatal(err)
	}
	taken, err := inside.Import(ctx, filepath.Join(dir, "unpacked"))
	fmt.Println(taken, "file,", err)
	got, err := upstream.ReadMod(ctx, inside, module.Version{Path: "golang.org/x/mod", Version: "v0.32.0"})
	fmt.Printf("%s%v\n", got, err)
	// Output:
	// 1 file, <nil>
	// module golang.org/x/mod
	// <nil>
}

// A version that should not have been is taken out of the store.
func ExampleClient_Purge() {
	ctx := context.Background()
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"corp.example/lib/@v/v1.0.0.mod":  {Data: []byte("module corp.example/lib\n")},
			"golang.org/x/mod/@v/v0.32.0.mod": {Data: []byte("module golang.org/x/mod\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for _, m := range []module.Version{{Path: "corp.example/lib", Version: "v1.0.0"}, {Path: "golang.org/x/mod", Version: "v0.32.0"}} {
		if _, err := upstream.ReadMod(ctx, c, m); err != nil {
			log.Fatal(err)
		}
	}
	removed, err := c.Purge(ctx, "corp.example")
	fmt.Println(removed, err)
	// Output: 1 <nil>
}
