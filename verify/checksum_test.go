package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// knowing is a Verifier of one module, which counts how often it is asked. It
// answers when it is told to, or at once.
type knowing struct {
	sums   verify.Sums
	err    error
	answer chan struct{} // nil: at once
	asked  atomic.Int32
}

func (k *knowing) Expect(ctx context.Context, _ module.Version, _ upstream.Kind) (verify.Sums, error) {
	k.asked.Add(1)
	if k.answer != nil {
		select {
		case <-k.answer:
		case <-ctx.Done():
			return verify.Sums{}, upstream.ContextError(ctx, upstream.Request{}, dbName)
		}
	}
	return k.sums, k.err
}

func (k *knowing) Check(m module.Version, kind upstream.Kind, content io.ReaderAt, size int64, want verify.Sums) error {
	return verify.Check(m, kind, content, size, want)
}

const honestMod, otherMod = "module a.example/m\n", "module a.example/m\n\ngo 1.21\n"

// sumsOf are the sums of a module with that zip and that go.mod file.
func sumsOf(t testing.TB, zip, goMod string) verify.Sums {
	t.Helper()
	zipHash, err := dirHashOf(t, zip)
	if err != nil {
		t.Fatal(err)
	}
	modHash, err := verify.HashMod(strings.NewReader(goMod))
	if err != nil {
		t.Fatal(err)
	}
	return verify.Sums{Zip: []string{zipHash}, Mod: []string{modHash}, By: dbName}
}

// checked is a source with the middleware that belongs around it.
func checked(u upstream.Upstream, dir string) upstream.Upstream {
	return upstream.Chain(u, verify.Checksums(), verify.Structure(), verify.Spooled(&verify.SpoolOptions{New: spoolsIn(dir)}))
}

// asking returns a context in which v is asked about the module's zip.
func asking(ctx context.Context, v verify.Verifier) context.Context {
	return askingFor(ctx, v, upstream.Zip)
}

func askingFor(ctx context.Context, v verify.Verifier, k upstream.Kind) context.Context {
	return verify.WithExpectation(ctx, verify.Begin(ctx, v, m1, k))
}

// What matches is marked by who vouches for it. What does not is the source's
// failure, and nothing is left of it.
func TestChecksums(t *testing.T) {
	zip := goodZip(t)
	sums := sumsOf(t, zip, honestMod)
	bySum := sums
	bySum.GoSum = true
	byDatabase := sums
	byDatabase.SumDB = true
	wrong := verify.Sums{Zip: sums.Mod, Mod: sums.Zip, By: dbName}
	for _, test := range []struct {
		name, key, content string
		sums               verify.Sums
		want               string // how it is verified; empty: it is refused
	}{
		{"zip", zipKey, zip, sums, verify.ByVerifier},
		{"go.mod", modKey, honestMod, sums, verify.ByVerifier},
		{"zip by the database", zipKey, zip, byDatabase, verify.ByDatabase},
		{"zip by go.sum", zipKey, zip, bySum, verify.ByGoSum + " " + sums.Zip[0]},
		{"go.mod by go.sum", modKey, honestMod, bySum, verify.ByGoSum + " " + sums.Mod[0]},
		{"wrong zip", zipKey, zip, wrong, ""},
		{"wrong go.mod", modKey, otherMod, sums, ""},
		{"no sum for it", modKey, honestMod, verify.Sums{Zip: sums.Zip, By: dbName}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			b := newBody(test.content)
			u := checked(answering(b, int64(len(test.content))), dir)
			req := request(t, test.key)
			resp, err := u.Fetch(askingFor(t.Context(), &knowing{sums: test.sums}, req.Kind()), req)
			if b.closed == 0 {
				t.Error("the source's body is left open")
			}
			if test.want != "" {
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				if err != nil || string(got) != test.content || resp.Verified != test.want || resp.Source != "proxy" {
					t.Errorf("%d bytes, %v, verified %q, from %q; want %q", len(got), err, resp.Verified, resp.Source, test.want)
				}
				resp.Body.Close()
				wantFiles(t, dir, 0)
				return
			}
			wantBlame(t, err, upstream.Untrusted, "proxy")
			mismatch, ok := errors.AsType[*verify.MismatchError](err)
			if !ok {
				t.Fatalf("want a *MismatchError: %v", err)
			}
			hashes := map[upstream.Kind][]string{upstream.Zip: test.sums.Zip, upstream.Mod: test.sums.Mod}
			want := &verify.MismatchError{Module: m1, Kind: req.Kind(), Got: mismatch.Got, Want: hashes[req.Kind()], By: dbName}
			if diff := cmp.Diff(want, mismatch); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, part := range append(mismatch.Want, mismatch.Got, dbName, "proxy", m1.String()) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not name %s: %v", part, err)
				}
			}
			wantFiles(t, dir, 0)
		})
	}
}

// What nobody vouches for passes through as it is: that the expectation failed
// is not the source's failure, nor is that there is none.
func TestChecksumsWithoutAnswer(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"failed": asking(t.Context(), &knowing{err: &upstream.Error{Source: dbName}}),
		"denied": asking(t.Context(), &knowing{err: &upstream.Error{Class: upstream.Denied}}),
		"none":   t.Context(),
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := checked(answering(newBody(otherMod), 0), t.TempDir()).Fetch(ctx, request(t, modKey))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.Verified != verify.ByStructure {
				t.Errorf("verified by %q", resp.Verified)
			}
		})
	}
}

// A source's own failure is not made to wait for the database.
func TestChecksumsOfFailure(t *testing.T) {
	failing := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return nil, &upstream.Error{Class: upstream.NotFound, Source: "proxy"}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ctx = asking(ctx, &knowing{answer: make(chan struct{})})
		if _, err := checked(failing, t.TempDir()).Fetch(ctx, request(t, modKey)); upstream.ClassOf(err) != upstream.NotFound {
			t.Error(err)
		}
	})
}

// However many sources are tried, the question is asked once, beside them; the
// first honest source answers.
func TestChecksumsAskOnce(t *testing.T) {
	sums := sumsOf(t, goodZip(t), honestMod)
	source := func(name, content string) upstream.Upstream {
		return checked(upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
			return &upstream.Response{Body: newBody(content), Size: int64(len(content)), Source: name}, nil
		}), t.TempDir())
	}
	liars := func(n int) (all []upstream.Upstream) {
		for i := range n {
			all = append(all, source(fmt.Sprintf("liar %d", i), otherMod))
		}
		return all
	}
	honest := source("honest", honestMod)
	steps := func(all ...upstream.Upstream) (list []upstream.Step) {
		for _, u := range all {
			list = append(list, upstream.Step{Upstream: u, OnAnyError: true})
		}
		return list
	}
	for name, u := range map[string]upstream.Upstream{
		"mirrors":  upstream.Mirrors(append(liars(3), honest)...),
		"fallback": upstream.Fallback(steps(append(liars(3), honest)...)...),
		"both":     upstream.Fallback(steps(upstream.Mirrors(liars(2)...), upstream.Mirrors(append(liars(1), honest)...))...),
	} {
		t.Run(name, func(t *testing.T) {
			v := &knowing{sums: sums}
			resp, err := u.Fetch(askingFor(t.Context(), v, upstream.Mod), request(t, modKey))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.Source != "honest" || resp.Verified != verify.ByVerifier || v.asked.Load() != 1 {
				t.Errorf("from %q, verified %q, asked %d times", resp.Source, resp.Verified, v.asked.Load())
			}
		})
	}
	_, err := upstream.Mirrors(liars(3)...).Fetch(askingFor(t.Context(), &knowing{sums: sums}, upstream.Mod), request(t, modKey))
	if e := upstream.AsError(err, upstream.Request{}, ""); e.Class != upstream.Untrusted || len(e.Attempts) != 3 {
		t.Errorf("all are liars: %v", err)
	}
}

// The wait for the database ends with the context, and blames no checksum.
func TestChecksumsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v := &knowing{answer: make(chan struct{})}
		b := newBody(honestMod)
		dir := t.TempDir()
		start := time.Now()
		_, err := checked(answering(b, 0), dir).Fetch(askingFor(ctx, v, upstream.Mod), request(t, modKey))
		if upstream.ClassOf(err) != upstream.Timeout || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		wantFiles(t, dir, 0)
		if b.closed == 0 {
			t.Error("the source's body is left open")
		}
	})
}

// An Expectation may be waited for by many, before and after it is answered;
// each waits no longer than its own context.
func TestExpectation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &knowing{answer: make(chan struct{}), sums: verify.Sums{Mod: []string{"h1:x"}, By: dbName}}
		e := verify.Begin(t.Context(), v, m1, upstream.Mod)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := e.Wait(short); upstream.ClassOf(err) != upstream.Timeout {
			t.Errorf("want a timeout: %v", err)
		}
		for range 3 {
			go func() {
				if got, err := e.Wait(t.Context()); err != nil || got.By != dbName {
					t.Errorf("%v, %v", got, err)
				}
			}()
		}
		synctest.Wait()
		close(v.answer)
		synctest.Wait()
		if got, err := e.Wait(t.Context()); err != nil || got.By != dbName || v.asked.Load() != 1 {
			t.Errorf("%v, %v, asked %d times", got, err, v.asked.Load())
		}
	})
}

// The expectation of another file is nobody's business here: whoever has it asks a
// Fetcher for that file, which asks a checksum database for this one, and to wait
// for the expectation would be to wait for oneself.
func TestChecksumsOfAnotherFile(t *testing.T) {
	never := &knowing{answer: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	resp, err := checked(answering(newBody(honestMod), -1), t.TempDir()).Fetch(asking(ctx, never), request(t, modKey))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Verified != verify.ByStructure {
		t.Errorf("verified %q", resp.Verified)
	}
}
