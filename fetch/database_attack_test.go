package fetch_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// A proxy that passes on true look-ups and tiles of its own making is found out
// by the tree, and the next one is asked for them.
func TestLyingTilesAreGotAround(t *testing.T) {
	o, opts := withDatabase(t)
	lying := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/tile/") {
			w.Write(make([]byte, 32*len(o.Modules())))
			return
		}
		o.ServeHTTP(w, r)
	}))
	opts.Go.GOPROXY = lying + "|" + serve(t, o)
	c := newClient(t, opts)
	for _, key := range []string{"example.com/hello/@v/v1.0.0.mod", "example.com/app/@v/v1.0.0.mod"} {
		if got := readKey(t, c, key); got != string(o.File(key)) {
			t.Errorf("%s is not the true one", key)
		}
	}
}

type panickyVerifier struct{ verify.Verifier }

func (panickyVerifier) Expect(context.Context, module.Version, upstream.Kind) (verify.Sums, error) {
	panic("boom")
}

func TestPanicOfAVerifierEndsTheCallOnly(t *testing.T) {
	_, opts := withDatabase(t)
	opts.Verifier = panickyVerifier{}
	_, err := newClient(t, opts).Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
	if err == nil || upstream.ClassOf(err) != upstream.Unavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

// A Verifier of the embedder's may say "not found" of what it does not know; a
// client must not take that for absence and go elsewhere with it.
type ignorant struct{ verify.Verifier }

func (ignorant) Expect(_ context.Context, m module.Version, _ upstream.Kind) (verify.Sums, error) {
	return verify.Sums{}, &upstream.Error{Class: upstream.NotFound, Subject: m.String(), Source: "list"}
}

func TestWhatAVerifierDoesNotKnowIsDenied(t *testing.T) {
	_, opts := withDatabase(t)
	opts.Verifier = ignorant{}
	_, err := newClient(t, opts).Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
	if upstream.ClassOf(err) != upstream.Denied {
		t.Errorf("got %v, want denied", err)
	}
}

// vouchingFor is a Verifier for whom any content is right.
type vouchingFor struct{ verify.Verifier }

func (vouchingFor) Expect(_ context.Context, m module.Version, _ upstream.Kind) (verify.Sums, error) {
	return verify.Sums{Mod: []string{"h1:any"}, By: "anybody"}, nil
}

func (vouchingFor) Check(module.Version, upstream.Kind, io.ReaderAt, int64, verify.Sums) error {
	return nil
}

// What another program's Verifier let into a shared directory is not taken for
// verified by the checksum database, nor by a go.sum file.
func TestMarksOfOthersAreNotBelieved(t *testing.T) {
	const key = "example.com/hello/@v/v1.0.0.mod"
	o, opts := withDatabase(t)
	o.Fail(lie(o, ".mod"))
	careless := opts
	careless.Verifier = vouchingFor{}
	if got := readKey(t, newClient(t, careless), key); got == string(o.File(key)) {
		t.Fatal("the lie was not told")
	}
	o.Fail(nil)
	if got := readKey(t, newClient(t, opts), key); got != string(o.File(key)) {
		t.Error("the database's client hands out the lie")
	}
}

// In an outage, the policy that serves what cannot be verified serves what is
// held from before too.
func TestWhenReachableServesOldEntries(t *testing.T) {
	const key = "example.com/hello/@v/v1.0.0.mod"
	o, opts := withDatabase(t)
	before := opts
	before.Go = &fetch.GoSettings{GOPROXY: opts.Go.GOPROXY, GOSUMDB: "off"}
	readKey(t, newClient(t, before), key)
	o.Fail(failDatabase(origin.Status(500)))
	opts.WhenReachable = true
	c := newClient(t, opts)
	if got := readKey(t, c, key); got != string(o.File(key)) {
		t.Errorf("got %q", got)
	}
	resp, err := c.Fetch(upstream.WithOffline(t.Context()), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
	if err != nil {
		t.Fatalf("offline: %v", err)
	}
	resp.Body.Close()
}
