package upstreamtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/upstream"
)

// Test asks u for everything in want, which maps the keys of requests
// ([upstream.Request.Key]) to the bodies that u serves for them, and for things
// that do not exist. It reports
//
//   - an answer that is not whole and equal, has no Source, or has a Size that
//     is neither right nor, at 0 or less, not known;
//   - a body that does not end cleanly, or panics when it is closed early or twice;
//   - an error that is not an [*upstream.Error] naming its request;
//   - an absent module or version that is not of class NotFound, or anything of
//     that class that is not fs.ErrNotExist;
//   - a ctx that has ended and is not honoured soon, with class Canceled or Timeout;
//   - a zero Request that is not refused;
//   - answers that differ when many goroutines ask at once;
//   - a [upstream.Group] that, rebuilt from its own members, fails any of that.
//
// u may serve more than want, but neither a module below [AbsentModule] nor
// another version of a module in want that is not in its own list. At least one
// key is needed; keys of different kinds, and of modules with different major
// versions, make the test stronger.
//
// The result joins everything that was found; nil means that u passed. Test
// returns in bounded time even where u does not: an Upstream that hangs is
// reported and asked no more, and its goroutines are left behind.
func Test(u upstream.Upstream, want map[string]string) error {
	t := &tester{u: u}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		req, err := upstream.ParsePath("/" + key)
		if err != nil {
			return fmt.Errorf("a key of want is not a request: %w", err)
		}
		t.files = append(t.files, file{req, want[key]})
	}
	if len(t.files) == 0 {
		return errors.New("want is empty: there is nothing to test with")
	}
	t.run()
	if g, ok := u.(upstream.Group); ok {
		again := &tester{u: g.With(g.Members()), files: t.files, context: "rebuilt from its members: "}
		again.run()
		t.found = append(t.found, again.found...)
	}
	return errors.Join(t.found...)
}

type file struct {
	req  upstream.Request
	body string
}

type tester struct {
	u       upstream.Upstream
	files   []file
	context string // of what is reported
	found   []error
	hung    atomic.Bool
}

func (t *tester) run() {
	for _, f := range t.files {
		t.report(f.req, t.whole(f))
		t.report(f.req, t.closedEarly(f))
	}
	for _, req := range t.absent() {
		t.report(req, t.notFound(req))
	}
	for _, req := range []upstream.Request{t.files[0].req, absentModule()} {
		t.report(req, t.ended(req, canceled, upstream.Canceled, context.Canceled))
		t.report(req, t.ended(req, expired, upstream.Timeout, context.DeadlineExceeded))
	}
	t.report(upstream.Request{}, t.refusesZero())
	t.atOnce()
}

// report keeps err, if it is one.
func (t *tester) report(req upstream.Request, err error) {
	if err == nil || errors.Is(err, errSkipped) {
		return
	}
	key := req.Key()
	if key == "" {
		key = "the zero Request"
	}
	t.found = append(t.found, fmt.Errorf("%s%s: %w", t.context, key, err))
}
