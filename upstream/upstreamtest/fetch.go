package upstreamtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// soon is how long an Upstream may take for anything. It is generous, because
// it only has to tell slow from stuck.
const soon = 30 * time.Second

// errSkipped is never reported: an Upstream that hung once is asked no more, or
// each question would wait in vain.
var errSkipped = errors.New("not asked")

// result is what came of asking: exactly one of the two, or else a finding.
type result struct {
	resp *upstream.Response
	err  error
}

// fetch asks, and turns a panic, a hang and an answer that is neither a success
// nor a failure into a finding.
func (t *tester) fetch(ctx context.Context, req upstream.Request) (result, error) {
	if t.hung.Load() {
		return result{}, errSkipped
	}
	var r result
	err := t.bounded("Fetch", func() error {
		resp, err := t.u.Fetch(ctx, req)
		r = result{resp, err}
		return nil
	})
	switch {
	case err != nil:
		return result{}, err
	case r.err != nil && r.resp != nil:
		return result{}, fmt.Errorf("Fetch returns a Response beside the error %w", r.err)
	case r.err == nil && r.resp == nil:
		return result{}, errors.New("Fetch returns neither a Response nor an error")
	case r.err == nil && r.resp.Body == nil:
		return result{}, errors.New("the Response has no Body")
	}
	return r, nil
}

// bounded runs f to its end, but waits no longer than soon.
func (t *tester) bounded(what string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("%s panics: %v", what, p)
			}
		}()
		done <- f()
	}()
	timer := time.NewTimer(soon)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		t.hung.Store(true)
		return fmt.Errorf("%s has not returned after %v", what, soon)
	}
}

// whole checks that f is answered with all of its body and nothing else.
func (t *tester) whole(f file) error {
	r, err := t.fetch(context.Background(), f.req)
	if err != nil {
		return err
	}
	if r.err != nil {
		return fmt.Errorf("not served: %w", r.err)
	}
	var found []error
	if r.resp.Source == "" {
		found = append(found, errors.New("the Response names no Source"))
	}
	if size := r.resp.Size; size > 0 && size != int64(len(f.body)) {
		found = append(found, fmt.Errorf("Size is %d, want %d, or 0 or less for not known", size, len(f.body)))
	}
	found = append(found, t.bounded("reading the Body", func() error { return equal(r.resp.Body, f.body) }))
	found = append(found, t.bounded("closing the Body twice", func() error {
		err := r.resp.Body.Close()
		r.resp.Body.Close() // may fail, but must not panic
		return err
	}))
	return errors.Join(found...)
}

// equal reads body to its end.
func equal(body io.Reader, want string) error {
	got, err := io.ReadAll(io.LimitReader(body, int64(len(want))+1))
	if err != nil {
		return fmt.Errorf("the Body breaks off after %d bytes: %w", len(got), err)
	}
	if string(got) != want {
		return fmt.Errorf("the Body is %s, want %s", short(string(got)), short(want))
	}
	if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return fmt.Errorf("after the end of the Body, Read returns %d, %v; want 0, EOF", n, err)
	}
	return nil
}

// short quotes s, or what is needed of it to recognise it.
func short(s string) string {
	const most = 80
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
}

// closedEarly checks that a body need not be read.
func (t *tester) closedEarly(f file) error {
	r, err := t.fetch(context.Background(), f.req)
	if err != nil || r.err != nil {
		return err // whole reports r.err
	}
	return t.bounded("closing an unread Body", func() error {
		r.resp.Body.Close()
		return nil
	})
}
