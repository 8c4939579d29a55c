package upstreamtest_test

import (
	"fmt"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/upstreamtest"
)

// A test of a source of your own: it is given something to serve, and is then asked
// for that and for what does not exist.
func Example() {
	files := map[string]string{
		"example.com/a/@v/list":        "v1.0.0\n",
		"example.com/a/@v/v1.0.0.info": `{"Version":"v1.0.0"}`,
		"example.com/a/@v/v1.0.0.mod":  "module example.com/a\n",
	}
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	source := upstream.FS("files", tree) // for you: your own

	if err := upstreamtest.Test(source, files); err != nil {
		fmt.Println(err) // in a test: t.Fatal(err)
		return
	}
	fmt.Println("it keeps the promises")
	// Output: it keeps the promises
}
