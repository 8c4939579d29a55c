package survey

import (
	"context"
	"errors"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

var errBudget = errors.New("the time for measuring was spent")

// Run measures the sources. When ctx ends, or the budget is spent, it returns soon,
// with what was measured until then as a partial report and no error: the caller can
// ask ctx.
//
// The error says what is wrong with the options, and then there is no report, or that
// this machine failed, as when there is no room for a zip, and then the report is of
// what came before. That a source fails is no error.
//
// It asks from one goroutine, and at the end all sources that could not be reached at once.
// It leaves nothing behind: connections that the sources keep are closed before and after.
func Run(ctx context.Context, opts *Options) (*Report, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := newSurveyor(o)
	s.closeIdle() // so that each has its connection to make
	defer s.closeIdle()
	report := &Report{At: time.Now()}
	bounded, cancel := context.WithTimeoutCause(ctx, o.Budget, errBudget)
	defer cancel()
	err = s.measure(bounded)
	s.explain(ctx)
	s.write(report)
	switch {
	case err != nil:
		report.Partial, report.Ended = true, err.Error()
	case bounded.Err() != nil && !s.finished():
		report.Partial, report.Ended = true, endedBy(bounded)
	}
	report.recommend()
	report.Took = time.Since(report.At)
	return report, err
}

func endedBy(ctx context.Context) string {
	if context.Cause(ctx) == errBudget {
		return errBudget.Error()
	}
	return "it was interrupted"
}

type surveyor struct {
	opts     *Options
	subjects []*subject
	hashes   *hashes
	rounds   int // that came to their end
	done     int // calls, as OnAsk counts
}

func newSurveyor(o *Options) *surveyor {
	s := &surveyor{opts: o, hashes: newHashes(o.Verifier, o.Patience)}
	for _, source := range o.Sources {
		s.subjects = append(s.subjects, newSubject(source))
	}
	return s
}

func (s *surveyor) finished() bool { return s.rounds == s.opts.Rounds }

// measure asks all sources for all files. The error is a *localError.
func (s *surveyor) measure(ctx context.Context) error {
	for s.rounds < s.opts.Rounds {
		for i, req := range s.files(s.rounds) {
			for _, sub := range s.inTurn(i + s.rounds) {
				if err := s.visit(ctx, sub, req); err != nil {
					return err
				}
			}
		}
		if s.rounds > 0 {
			if err := s.visitLargest(ctx); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		s.rounds++
	}
	return nil
}

// visitLargest asks each source again for the largest zip that it has.
func (s *surveyor) visitLargest(ctx context.Context) error {
	for _, sub := range s.inTurn(s.rounds) {
		req, ok := sub.largest(s.opts.Sample)
		if !ok {
			s.done++
			continue
		}
		if err := s.visit(ctx, sub, req); err != nil {
			return err
		}
	}
	return nil
}

// visit asks a source for one file and writes down what comes of it.
func (s *surveyor) visit(ctx context.Context, sub *subject, req upstream.Request) error {
	s.done++
	if ctx.Err() != nil || !sub.wanted(req) {
		return nil
	}
	s.opts.OnAsk(Step{Done: s.done - 1, Total: s.total(), Source: sub.source.Name, Request: req})
	s.hashes.expect(ctx, req)
	a, err := s.ask(ctx, sub.source.Upstream, req)
	switch _, local := errors.AsType[*localError](err); {
	case local:
		return err
	case err != nil && ctx.Err() != nil: // the call was cut short by us, which says nothing of the source
		return nil
	case err != nil:
		sub.failed(req, err)
		return nil
	}
	defer a.close()
	sub.succeeded(req, a)
	return s.look(sub, req, a)
}

// look takes from a good answer what is compared between sources.
func (s *surveyor) look(sub *subject, req upstream.Request, a *answer) error {
	if a.spool == nil {
		return nil
	}
	switch req.Kind() {
	case upstream.Mod, upstream.Zip:
		return s.hashes.add(sub.source.Name, req, a)
	case upstream.List, upstream.Latest:
		return sub.takeList(req, a)
	}
	return nil
}

// closeIdle closes the connections that sources keep for later requests.
func (s *surveyor) closeIdle() {
	for _, sub := range s.subjects {
		if idle, ok := upstream.As[interface {
			upstream.Upstream
			CloseIdleConnections()
		}](sub.source.Upstream); ok {
			idle.CloseIdleConnections()
		}
	}
}
