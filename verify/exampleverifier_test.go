package verify_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

// A go.sum file vouches for what it lists, and for nothing else.
func ExampleReadGoSum() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "go.sum")
	lines := "golang.org/x/mod v0.32.0/go.mod h1:SgipZ/3h2Ci89DlEtEXWUk/HteuRin+HHhN+WbNhguU=\n"
	if err := os.WriteFile(file, []byte(lines), 0o666); err != nil {
		fmt.Println(err)
		return
	}

	goSum, err := verify.ReadGoSum(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, req := range goSum.Files() {
		fmt.Println(req)
	}
	m := module.Version{Path: "golang.org/x/mod", Version: "v0.32.0"}
	fmt.Println(goSum.Lists(m, upstream.Mod), goSum.Lists(m, upstream.Zip))
	_, err = goSum.Expect(context.Background(), m, upstream.Zip)
	fmt.Println(upstream.ClassOf(err))
	// Output:
	// golang.org/x/mod/@v/v0.32.0.mod
	// true false
	// denied
}

// A module's own go.sum file decides about what it lists, and the public checksum
// database about the rest.
func ExampleSequence() {
	goSum, err := verify.ParseGoSum("go.sum", []byte("corp.example/lib v1.0.0/go.mod h1:SgipZ/3h2Ci89DlEtEXWUk/HteuRin+HHhN+WbNhguU=\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	database, err := verify.ParseGOSUMDB("sum.golang.org")
	if err != nil {
		fmt.Println(err)
		return
	}
	source := upstream.Off() // for you: upstream.NewSumDB(database.Name, database.URL, nil)
	verifier := verify.Sequence(goSum, verify.NewSumDB(database, source, cache.NewMemory(nil), nil))

	ctx := context.Background()
	sums, err := verifier.Expect(ctx, module.Version{Path: "corp.example/lib", Version: "v1.0.0"}, upstream.Mod)
	fmt.Println(sums.Mod[0], "by", sums.By, err)
	_, err = verifier.Expect(ctx, module.Version{Path: "golang.org/x/mod", Version: "v0.32.0"}, upstream.Mod)
	fmt.Println(err == nil) // nobody to ask
	// Output:
	// h1:SgipZ/3h2Ci89DlEtEXWUk/HteuRin+HHhN+WbNhguU= by go.sum <nil>
	// false
}

// A checksum database with one record, on this machine. What it says is verified by
// its log, and kept: it is not asked again.
func ExampleNewSumDB() {
	signer, key, err := note.GenerateKey(nil, "sum.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	log := sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		return fmt.Appendf(nil, "%[1]s %[2]s h1:zip=\n%[1]s %[2]s/go.mod h1:mod=\n", path, version), nil
	})
	server := httptest.NewServer(sumdb.NewServer(log))

	database, err := verify.ParseGOSUMDB(key + " " + server.URL) // for you: "sum.golang.org"
	if err != nil {
		fmt.Println(err)
		return
	}
	source, err := upstream.NewSumDB(database.Name, database.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	db := verify.NewSumDB(database, source, cache.NewMemory(nil), nil)

	m := module.Version{Path: "golang.org/x/mod", Version: "v0.32.0"}
	sums, err := db.Expect(context.Background(), m, upstream.Zip)
	fmt.Println(sums.Zip, sums.By, err)

	server.Close()
	sums, err = db.Expect(context.Background(), m, upstream.Zip)
	fmt.Println(sums.Zip, sums.By, err)
	// Output:
	// [h1:zip=] sum.example <nil>
	// [h1:zip=] sum.example <nil>
}

// A tree head that the database has not signed is its source's failure.
func ExampleSumDB_Signed() {
	_, key, err := note.GenerateKey(nil, "sum.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	forger, _, err := note.GenerateKey(nil, "sum.example")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(sumdb.NewServer(sumdb.NewTestServer(forger, nil)))
	defer server.Close()
	database, err := verify.ParseGOSUMDB(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	source, err := upstream.NewSumDB(database.Name, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	db := verify.NewSumDB(database, source, cache.NewMemory(nil), &verify.SumDBOptions{
		OnSecurityEvent: func(e verify.SecurityEvent) { fmt.Println("security event:", e.Database) },
		Logger:          slog.New(slog.DiscardHandler),
	})

	req, err := upstream.NewSumDBRequest(database.Name, "latest")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = upstream.ReadAll(context.Background(), upstream.Chain(source, db.Signed(), verify.Spooled(nil)), req)
	fmt.Println(upstream.ClassOf(err))
	// Output:
	// security event: sum.example
	// untrusted
}

// The hash of a module zip, as a go.sum file has it.
func ExampleHashZip() {
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	file, err := w.Create("example.com/hello@v1.0.0/hello.go")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintln(file, "package hello")
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}

	hash, err := verify.HashZip(bytes.NewReader(content.Bytes()), int64(content.Len()))
	fmt.Println(hash, err)
	// Output: h1:o2vXrkV7aHvvuE+/Zq4FgjCzQs+MY5yzBZTdHXmEu8k= <nil>
}
