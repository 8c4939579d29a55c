package upstream_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A stage is where actors write down what they do, and when. It belongs to one
// synctest bubble.
type stage struct {
	begun time.Time
	mu    sync.Mutex
	said  []said
}

type said struct {
	at   time.Duration
	what string
}

func newStage() *stage { return &stage{begun: time.Now()} }

func (s *stage) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, said{time.Since(s.begun), fmt.Sprintf(format, args...)})
}

// script returns what happened, in order; what happened at the same time is in
// the order of the alphabet.
func (s *stage) script() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.said, func(a, b said) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.what, b.what))
	})
	for _, line := range s.said {
		lines = append(lines, fmt.Sprint(line.at, " ", line.what))
	}
	return lines
}

// asked returns who was asked, and when.
func (s *stage) asked() []string {
	return slices.DeleteFunc(s.script(), func(line string) bool { return !strings.HasSuffix(line, " asked") })
}

// ends returns whose calls were ended, when and how.
func (s *stage) ends() []string {
	return slices.DeleteFunc(s.script(), func(line string) bool {
		return !strings.HasSuffix(line, " outpaced") && !strings.HasSuffix(line, " left")
	})
}

// askedAt is what asked returns of a source named a.
func askedAt(times ...string) (lines []string) {
	for _, at := range times {
		lines = append(lines, at+" a asked")
	}
	return lines
}

// never is the time that a source takes which does not answer.
const never = 1000 * time.Hour

// An actor is a source that takes its time.
type actor struct {
	name   string
	takes  time.Duration   // until it answers
	err    *upstream.Error // what it answers with; nil: it has everything
	first  time.Duration   // after which it reports the first byte; 0: not before its end
	slow   time.Duration   // after which it reports that its body is too slow; 0: never
	health upstream.Health
	stage  *stage
}

func (a *actor) Name() string                         { return a.name }
func (a *actor) Health(upstream.Lane) upstream.Health { return a.health }

func (a *actor) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	a.stage.say("%s asked", a.name)
	report := func(after time.Duration, what func()) {
		if after > 0 {
			timer := time.AfterFunc(after, what)
			context.AfterFunc(ctx, func() { timer.Stop() })
		}
	}
	report(a.first, upstream.ProgressOf(ctx).FirstByte)
	report(a.slow, upstream.ProgressOf(ctx).Slow)
	select {
	case <-time.After(a.takes):
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), upstream.ErrOutpaced) {
			a.stage.say("%s outpaced", a.name)
		} else {
			a.stage.say("%s left", a.name)
		}
		return nil, upstream.ContextError(ctx, req, a.name)
	}
	if a.err != nil {
		e := *a.err
		e.Request, e.Source = req, a.name
		a.stage.say("%s %v", a.name, e.Class)
		return nil, &e
	}
	a.stage.say("%s answers", a.name)
	return &upstream.Response{Body: &curtain{strings.NewReader("body"), a}, Size: 4, Source: a.name}, nil
}

// curtain is a body whose end is written down.
type curtain struct {
	io.Reader
	actor *actor
}

func (c *curtain) Close() error { c.actor.stage.say("%s closed", c.actor.name); return nil }

// on puts actors on a stage.
func on(s *stage, actors ...actor) (all []upstream.Upstream) {
	for _, a := range actors {
		a.stage = s
		all = append(all, &a)
	}
	return all
}

// joined makes a list of steps; the separators are those behind each.
func joined(separators string, us ...upstream.Upstream) upstream.Upstream {
	var steps []upstream.Step
	for i, u := range us {
		steps = append(steps, upstream.Step{Upstream: u, OnAnyError: i < len(separators) && separators[i] == '|'})
	}
	return upstream.Fallback(steps...)
}

// play asks u once, and writes down what the caller gets.
func (s *stage) play(ctx context.Context, t testing.TB, u upstream.Upstream, key string) *upstream.Error {
	t.Helper()
	resp, err := u.Fetch(ctx, request(t, key))
	if err != nil {
		s.say("caller: %v", upstream.ClassOf(err))
		return upstream.AsError(err, upstream.Request{}, "")
	}
	s.say("caller: %s", resp.Source)
	if body, err := readBody(resp); body != "body" || err != nil {
		t.Errorf("body is %q, error %v", body, err)
	}
	return nil
}
