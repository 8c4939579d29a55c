package fetch

import (
	"errors"
	"fmt"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// heldUnverified is a flight's outcome when what is under that key, unverified,
// is all that there is to give.
type heldUnverified struct{ key string }

func (heldUnverified) Error() string { return "the answer in the cache is not verified" }

// refuses reports whether a Verifier that was asked does not vouch for a file.
func refuses(err error) bool {
	class := upstream.ClassOf(err)
	return class == upstream.Denied || class == upstream.NotFound
}

// apart is the key under which what is not verified is kept, where neither a
// look-up nor GOPROXY=file://DIR finds it.
func apart(req upstream.Request) string { return unverifiedPrefix + req.Key() }

const unverifiedPrefix = "unverified/"

// toolchain is the module of the go command's own toolchains, which no pattern
// exempts (modfetch/sumdb.go, useSumDB).
const toolchain = "golang.org/toolchain"

// mustVerify reports whether the Verifier has to vouch for the answer.
func (c *core) mustVerify(req upstream.Request) bool {
	switch {
	case req.Kind() != upstream.Mod && req.Kind() != upstream.Zip:
		return false
	case c.opts.Verifier != nil:
		return true
	case c.opts.GoSum != nil && c.opts.GoSum.Lists(moduleOf(req), req.Kind()):
		return true
	}
	return c.sumDB != nil && !c.isExempt(req.Module())
}

// chooseVerifier returns who vouches for module files; nil for nobody.
func (c *core) chooseVerifier() verify.Verifier {
	v := c.opts.Verifier
	if v == nil && c.sumDB != nil {
		v = c.sumDB
	}
	switch {
	case c.opts.GoSum == nil:
		return v
	case v == nil:
		return c.opts.GoSum // which is asked only about what it lists
	}
	return verify.Sequence(c.opts.GoSum, v)
}

// isExempt reports whether no checksum database is asked about a module path.
func (c *core) isExempt(path string) bool {
	return path != toolchain && module.MatchPrefixPatterns(c.noSumDB, path)
}

// trusts reports whether an entry that was verified in that way will do today.
func (c *core) trusts(req upstream.Request, verified string) bool {
	return !c.mustVerify(req) || verify.Accepts(c.verifier, moduleOf(req), req.Kind(), verified)
}

// mayServeUnverified reports whether a failure of Expect is one that the policy
// passes over: the Verifier could not be asked.
func (c *core) mayServeUnverified(err error) bool {
	class := upstream.ClassOf(err)
	return c.opts.WhenReachable && (class == upstream.Unavailable || class == upstream.Timeout)
}

// unverifiable is the error for a file that there is, but that nobody vouches
// for: it is the Verifier's failure.
func unverifiable(req upstream.Request, err error) error {
	e := *upstream.AsError(err, req, "")
	e.Request, e.Subject = req, ""
	if e.Class == upstream.NotFound {
		e.Class = upstream.Denied // a source has it
	}
	if e.Class != upstream.Denied && e.Class != upstream.Untrusted {
		e.Err = fmt.Errorf("not handed out, for it cannot be verified: %w", cause(&e))
	}
	return &e
}

func cause(e *upstream.Error) error {
	if e.Err != nil {
		return e.Err
	}
	return errors.New("the checksum database cannot be asked")
}

// isOfSumDB reports whether req is for the checksum database that is verified.
func (c *core) isOfSumDB(req upstream.Request) bool {
	return c.sumDB != nil && req.Database() == c.sumDB.Name()
}
