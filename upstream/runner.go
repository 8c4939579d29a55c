package upstream

import (
	"context"
	"errors"
	"slices"
)

// A runner may be asked in a race.
type runner struct {
	Upstream

	// reserve is asked only when the others are out, or after the longest delay
	// that a hedge may have.
	reserve bool

	// reluctant is asked only when all before it have failed.
	reluctant bool

	index  int  // among the runners of a race
	repeat bool // it has been asked before in this race

	// last is what decides whether a list goes on.
	last bool
}

// ask makes an error of whatever is not a response with a body, so that a source
// that breaks the rules is not taken for the end of the list.
func (r runner) ask(ctx context.Context, req Request) (*Response, *Error) {
	resp, err := r.Fetch(ctx, req)
	switch {
	case err != nil:
		return nil, AsError(err, req, Name(r.Upstream))
	case resp == nil || resp.Body == nil:
		return nil, &Error{Request: req, Source: Name(r.Upstream), Err: errNoResponse}
	}
	return resp, nil
}

var errNoResponse = errors.New("it returned neither a response with a body nor an error")

// An outcome is what came of asking several sources.
type outcome struct {
	resp     *Response
	attempts []*Error // of those who failed, in the order in which they were asked
	cut      bool     // the caller went before everybody had had their say
	absent   bool     // the last of the runners has it not, and that is certain
}

// failed adds the failure of a runner.
func (o *outcome) failed(who runner, err *Error) {
	o.attempts = append(o.attempts, err)
	if who.last && absent(err) {
		o.absent = true
	}
}

// interrupted reports whether the caller has gone and somebody's failure may be
// due to that, so that what they would have said is not known.
func (o outcome) interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && slices.ContainsFunc(o.attempts, func(e *Error) bool {
		return e.Class == Canceled || e.Class == Timeout
	})
}

// fail returns the error of an outcome without a response.
func (o outcome) fail(ctx context.Context, req Request) *Error {
	switch {
	case o.cut:
		return cutShort(ctx, req, o.attempts)
	case len(o.attempts) == 0:
		return &Error{Request: req, Err: errNoSources}
	}
	return merge(o.attempts)
}

// isSource reports whether it makes sense to ask the runner again.
func (r runner) isSource() bool {
	_, group := As[Group](r.Upstream)
	return !group && !r.reluctant
}

// askInOrder is a race in which nobody overtakes.
func askInOrder(ctx context.Context, req Request, runners []runner) (out outcome) {
	for i, runner := range runners {
		resp, err := runner.ask(ctx, req)
		if err == nil {
			countLacking(req, runners, out.attempts)
			out.resp = resp
			return out
		}
		out.failed(runner, err)
		if ctx.Err() != nil && i < len(runners)-1 {
			out.cut = true
			return out
		}
	}
	out.cut = out.interrupted(ctx)
	return out
}

// countLacking tells the meters of those who did not have what there is.
func countLacking(req Request, asked []runner, errs []*Error) {
	for i, e := range errs {
		if e.Class == NotFound {
			lacked(asked[i].Upstream, req.Kind().Lane())
		}
	}
}
