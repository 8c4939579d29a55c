package upstream

import (
	"context"
	"fmt"
	"io"
	"time"
)

// A leg is one runner's part in a race.
type leg struct {
	runner
	ctx      context.Context
	cancel   context.CancelCauseFunc
	keep     func() bool // has a leg of a doubtful source outlive the caller, unless that has gone already
	progress *Progress
	trial    bool    // the source was out: the next is asked at once
	suspect  bool    // the source keeps others waiting: the next is asked at once
	budget   *Budget // what it was taken out of; nil: nothing, it had to be
	begun    time.Time
	patience time.Duration // how long it may be silent
	due      time.Time     // when the next is asked, if it is silent until then
	again    bool          // its runner has been asked again because of how it fared, or will not be
	gone     bool          // its source has said otherwise for good

	// Set by fetch, and for others to see when the leg has ended.
	resp *Response
	err  *Error

	beside *leg          // who was being asked when this one was; nil: nobody
	after  time.Duration // for how long then

	over    bool      // the race knows that it has ended
	endedAt time.Time // when it learnt of it
}

func newLeg(ctx context.Context, req Request, who runner, wake chan struct{}) *leg {
	l := &leg{runner: who, begun: time.Now(), keep: func() bool { return false }}
	l.trial = HealthOf(who.Upstream, req.Kind().Lane()).State != Working
	l.suspect = !l.trial && isSuspect(who.Upstream)
	if l.trial || l.suspect {
		own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		l.keep = context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
		l.ctx, l.cancel = own, func(why error) {
			l.keep() // or the caller's context would hold the leg for as long as it lives
			cancel(why)
		}
	} else {
		l.ctx, l.cancel = context.WithCancelCause(ctx)
	}
	l.ctx, l.progress = withProgress(l.ctx, wake)
	return l
}

// isFinal reports whether the leg has ended with an answer that the source would
// give again.
func (l *leg) isFinal() bool {
	return l.err != nil && !l.err.MayPass() && l.err.Class != Canceled && l.err.Class != Overloaded
}

// isOverdue reports whether the source has been silent for longer than usual.
func (l *leg) isOverdue() bool { return !l.progress.Begun() && l.progress.Waited() >= l.patience }

// verdict returns the cause to cancel a loser with. It was outpaced if it was
// silent for longer than usual, and half as long again as the winner, or its body
// came more slowly. Otherwise nothing is to be learnt of it.
func (l *leg) verdict(winner *leg) error {
	switch {
	case winner.index == l.index, l.progress.IsSlow() && winner.progress.IsSlow():
		return nil
	case l.progress.Begun(), l.isOverdue() && 2*l.progress.Waited() >= 3*winner.progress.Waited():
		return ErrOutpaced
	}
	return nil
}

// grace returns how long after its beginning a leg that has lost may go on to show
// whether its source is any good: one that was asked together with another has
// not had its time when that one answers.
func (l *leg) grace(trial time.Duration, winner *leg) time.Duration {
	switch {
	case l.trial:
		return trial
	case l.suspect:
		return max(l.patience, winner.progress.Waited()*3/2)
	}
	return 0
}

// fetch asks the leg's runner. A panic would end the program here, where no
// recover of the caller's can see it.
func (l *leg) fetch(req Request) {
	defer func() {
		if p := recover(); p != nil {
			l.err = &Error{Request: req, Source: Name(l.Upstream), Err: fmt.Errorf("it panicked: %v", p)}
		}
	}()
	l.resp, l.err = l.ask(l.ctx, req)
}

// endsCall ends a call whose body is a stream when the body is closed.
type endsCall struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (e endsCall) Close() error {
	err := e.ReadCloser.Close()
	e.cancel(nil)
	return err
}
