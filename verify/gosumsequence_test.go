package verify_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// asked is a Verifier that knows everything, and remembers what it was asked.
type asked struct {
	expect, check []string
	err           error
}

func (a *asked) Expect(_ context.Context, m module.Version, k upstream.Kind) (verify.Sums, error) {
	a.expect = append(a.expect, m.String()+" "+k.String())
	return verify.Sums{Zip: []string{"h1:Z="}, Mod: []string{"h1:M="}, By: "sum.example"}, a.err
}

func (a *asked) Check(m module.Version, k upstream.Kind, _ io.ReaderAt, _ int64, want verify.Sums) error {
	a.check = append(a.check, m.String()+" "+k.String()+" "+want.By)
	return a.err
}

func (a *asked) Accepts(_ module.Version, _ upstream.Kind, verified string) bool {
	return verified == "signature"
}

// What go.sum lists is decided by it; the next Verifier is asked for the rest,
// and for nothing else: each of a module's files stands alone.
func TestSequenceExpects(t *testing.T) {
	const zipLine, modLine = "a.example/m v1.0.0 h1:z=\n", "a.example/m v1.0.0/go.mod h1:m=\n"
	database := verify.Sums{Zip: []string{"h1:Z="}, Mod: []string{"h1:M="}, By: "sum.example"}
	tests := []struct {
		name, file string
		want       [2]verify.Sums // of the zip and the go.mod file
		asked      []string
	}{
		{"both files listed", zipLine + modLine, [2]verify.Sums{zipSums("h1:z="), modSums("h1:m=")}, nil},
		{"go.mod file listed", modLine, [2]verify.Sums{database, modSums("h1:m=")}, []string{"a.example/m@v1.0.0 zip"}},
		{"zip listed", zipLine, [2]verify.Sums{zipSums("h1:z="), database}, []string{"a.example/m@v1.0.0 mod"}},
		{"not listed", "b.example/n v1.0.0 h1:z=\n", [2]verify.Sums{database, database}, []string{"a.example/m@v1.0.0 zip", "a.example/m@v1.0.0 mod"}},
		{"listed with an unknown algorithm", "a.example/m v1.0.0 h2:z=\n" + modLine, [2]verify.Sums{database, modSums("h1:m=")}, []string{"a.example/m@v1.0.0 zip"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			next := new(asked)
			v := verify.Sequence(parseGoSum(t, "go.sum", test.file), next)
			if diff := cmp.Diff(test.want, expected(t, v, m1)); diff != "" {
				t.Errorf("sums of the zip and the go.mod file (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.asked, next.expect); diff != "" {
				t.Errorf("asked of the next (-want +got):\n%s", diff)
			}
		})
	}
}

// The next one's failure is the answer for what only it could know.
func TestSequenceKeepsTheNextOnesErrors(t *testing.T) {
	away := &upstream.Error{Class: upstream.Timeout, Source: "sum.example"}
	v := verify.Sequence(parseGoSum(t, "go.sum", "a.example/m v1.0.0/go.mod h1:m=\n"), &asked{err: away})
	if _, err := v.Expect(t.Context(), m1, upstream.Zip); err != error(away) {
		t.Errorf("error for the zip is %v, want %v", err, away)
	}
	if _, err := v.Expect(t.Context(), m1, upstream.Mod); err != nil {
		t.Errorf("error for the go.mod file, which is listed: %v", err)
	}
}

// Sums are compared by whoever gave them.
func TestSequenceChecks(t *testing.T) {
	next := &asked{err: errors.New("the next one's")}
	v := verify.Sequence(parseGoSum(t, "go.sum", ""), next)
	err := v.Check(m1, upstream.Mod, strings.NewReader("x"), 1, modSums("h1:m="))
	if _, ok := errors.AsType[*verify.MismatchError](err); !ok {
		t.Errorf("error for go.sum's sums is %v, want a mismatch", err)
	}
	if err := v.Check(m1, upstream.Mod, strings.NewReader("x"), 1, verify.Sums{By: "sum.example"}); err != next.err {
		t.Errorf("error for the next one's sums is %v", err)
	}
	if diff := cmp.Diff([]string{"a.example/m@v1.0.0 mod sum.example"}, next.check); diff != "" {
		t.Errorf("asked of the next (-want +got):\n%s", diff)
	}
}

// Who decides about a file says which mark will do for it.
func TestSequenceAccepts(t *testing.T) {
	m := module.Version{Path: "a.example/m", Version: "v1.0.0"}
	v := verify.Sequence(parseGoSum(t, "go.sum", "a.example/m v1.0.0/go.mod h1:now=\n"), new(asked))
	listed := verify.ByGoSum + " h1:now="
	for _, tt := range []struct {
		k        upstream.Kind
		verified string
		want     bool
	}{
		{upstream.Mod, listed, true},
		{upstream.Mod, "signature", false},
		{upstream.Zip, listed, false},
		{upstream.Zip, "signature", true},
		{upstream.Zip, verify.ByDatabase, false},
	} {
		if got := verify.Accepts(v, m, tt.k, tt.verified); got != tt.want {
			t.Errorf("Accepts(%v, %q) = %v", tt.k, tt.verified, got)
		}
	}
}
