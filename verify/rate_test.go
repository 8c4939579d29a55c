package verify_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A dripping body gives some bytes each time, after a while.
type dripping struct {
	content string
	each    int
	every   time.Duration
	stop    int // from here on nothing comes any more; 0: all comes

	end   chan struct{}
	close func()
	read  int
}

// start returns the body as a source answers with it.
func (d dripping) start() *dripping {
	d.end = make(chan struct{})
	d.close = sync.OnceFunc(func() { close(d.end) })
	return &d
}

func (d *dripping) Read(p []byte) (int, error) {
	wait := time.After(d.every)
	if d.stop > 0 && d.read >= d.stop {
		wait = nil
	}
	select {
	case <-d.end:
		return 0, io.ErrClosedPipe
	case <-wait:
	}
	n := copy(p[:min(d.each, len(p))], d.content[d.read:])
	if d.read += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (d *dripping) Close() error {
	d.close()
	return nil
}

// watching fetches a body, looks at the call's Progress after a time, and
// returns how long the call took.
func watching(t *testing.T, opts verify.SpoolOptions, drip dripping, after time.Duration) (begun, slow bool, took time.Duration, err error) {
	b := drip.start()
	ctx, p := upstream.WithProgress(t.Context())
	start := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var resp *upstream.Response
		if resp, err = spooledIn(t.TempDir(), answering(b, int64(len(b.content))), opts).Fetch(ctx, request(t, zipKey)); err == nil {
			resp.Body.Close()
		}
		took = time.Since(start)
	}()
	time.Sleep(after)
	synctest.Wait()
	begun, slow = p.Begun(), p.IsSlow()
	<-done
	return begun, slow, took, err
}

// A body that is slow is reported when that is known, and goes on.
func TestRateSlow(t *testing.T) {
	const kib = 1 << 10
	for _, test := range []struct {
		name  string
		opts  verify.SpoolOptions
		body  dripping
		after time.Duration
		slow  bool
	}{
		{"slow", verify.SpoolOptions{}, dripping{content: noise(200 * kib), each: 630, every: 10 * time.Millisecond}, 2 * time.Second, true},
		{"slow, not yet known", verify.SpoolOptions{}, dripping{content: noise(200 * kib), each: 630, every: 10 * time.Millisecond}, 2*time.Second - 1, false},
		{"fast", verify.SpoolOptions{}, dripping{content: noise(400 * kib), each: 7 * kib, every: 100 * time.Millisecond}, time.Hour, false},
		{"just in time", verify.SpoolOptions{}, dripping{content: noise(128 * kib), each: 128 * kib, every: 1900 * time.Millisecond}, time.Hour, false},
		{"stands still", verify.SpoolOptions{}, dripping{content: noise(1000 * kib), each: 300 * kib, every: 4100 * time.Millisecond}, 2 * time.Second, true},
		{"becomes slow", verify.SpoolOptions{}, dripping{content: noise(200 * kib), each: 200 * kib, every: time.Second, stop: 200 * kib}, 4 * time.Second, true},
		{"becomes slow, not yet known", verify.SpoolOptions{}, dripping{content: noise(200 * kib), each: 200 * kib, every: time.Second, stop: 200 * kib}, 4*time.Second - 1, false},
		{"slower than wanted", verify.SpoolOptions{SlowRate: 100 * kib}, dripping{content: noise(400 * kib), each: 7 * kib, every: 100 * time.Millisecond}, 2 * time.Second, true},
		{"slow for longer than wanted", verify.SpoolOptions{SlowWindow: time.Second}, dripping{content: noise(200 * kib), each: 630, every: 10 * time.Millisecond}, time.Second, true},
		{"slow is no longer than dead", verify.SpoolOptions{SlowWindow: 3 * time.Second, DeadWindow: time.Second}, dripping{content: noise(200 * kib), each: 630, every: 10 * time.Millisecond}, 2 * time.Second, false},
		{"nothing is slow", verify.SpoolOptions{SlowRate: -1}, dripping{content: noise(10), each: 1, every: time.Second, stop: 5}, time.Hour, false},
		{"nothing is ever slow", verify.SpoolOptions{SlowWindow: -1}, dripping{content: noise(10), each: 1, every: time.Second, stop: 5}, time.Hour, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, slow, _, err := watching(t, test.opts, test.body, test.after)
				if slow != test.slow {
					t.Errorf("slow after %v: %t", test.after, slow)
				}
				if (err != nil) != (test.body.stop > 0) {
					t.Errorf("error is %v", err)
				}
			})
		})
	}
}

// A continuation that keeps silent is reported when that is known. Nobody but
// Spooled sees it: the first byte came long ago.
func TestRateSilentContinuation(t *testing.T) {
	content := noise(300_000)
	for _, test := range []struct {
		name   string
		opts   verify.SpoolOptions
		breaks bool
		silent time.Duration
		after  time.Duration
		slow   bool
	}{
		{"silent", verify.SpoolOptions{}, true, 5 * time.Second, 2 * time.Second, true},
		{"silent, not yet known", verify.SpoolOptions{}, true, 5 * time.Second, 2*time.Second - 1, false},
		{"not for long", verify.SpoolOptions{}, true, 2*time.Second - 1, time.Hour, false},
		{"for longer than wanted", verify.SpoolOptions{SlowWindow: time.Second}, true, 5 * time.Second, time.Second, true},
		{"nothing is ever slow", verify.SpoolOptions{SlowWindow: -1}, true, time.Minute, time.Hour, false},
		{"nothing is slow", verify.SpoolOptions{SlowRate: -1}, true, time.Minute, time.Hour, false},
		{"the first answer", verify.SpoolOptions{}, false, time.Minute, time.Hour, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				u := spooledIn(t.TempDir(), upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
					if asked++; asked == 1 && test.breaks {
						return &upstream.Response{Body: brokenAt(content, 100_000), Size: 300_000, Validator: `"a"`}, nil
					}
					time.Sleep(test.silent)
					if !test.breaks {
						return &upstream.Response{Body: newBody(content), Size: 300_000}, nil
					}
					return &upstream.Response{Body: newBody(content[100_000:]), Offset: 100_000, Size: 300_000, Validator: `"a"`}, nil
				}), test.opts)
				ctx, p := upstream.WithProgress(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					resp, err := u.Fetch(ctx, request(t, zipKey))
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
				}()
				time.Sleep(test.after)
				synctest.Wait()
				if p.IsSlow() != test.slow {
					t.Errorf("slow after %v: %t", test.after, p.IsSlow())
				}
				<-done
			})
		})
	}
}

// One that is fast is not slow, however long it takes.
func TestRateLongContinuation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(3_000_000)
		left := answers{
			{Body: brokenAt(content, 100_000), Size: 3_000_000, Validator: `"a"`},
			{Body: dripping{content: content[100_000:], each: 20_000, every: 100 * time.Millisecond}.start(), Offset: 100_000, Size: 3_000_000, Validator: `"a"`},
		}
		ctx, p := upstream.WithProgress(t.Context())
		resp, err := spooledIn(t.TempDir(), &left, verify.SpoolOptions{}).Fetch(ctx, request(t, zipKey))
		wantContent(t, resp, err, content)
		if p.IsSlow() {
			t.Error("it is slow")
		}
	})
}

// The first byte is reported when it is here, or with the end of what is empty.
func TestRateFirstByte(t *testing.T) {
	for _, content := range []string{noise(1000), ""} {
		for after, want := range map[time.Duration]bool{time.Second - 1: false, time.Second: true} {
			synctest.Test(t, func(t *testing.T) {
				begun, _, _, err := watching(t, verify.SpoolOptions{}, dripping{content: content, each: 100, every: time.Second}, after)
				if begun != want || err != nil {
					t.Errorf("%d bytes: begun after %v: %t, error %v", len(content), after, begun, err)
				}
			})
		}
	}
}

// A body that breaks off before its first byte has not begun.
func TestRateNoFirstByte(t *testing.T) {
	ctx, p := upstream.WithProgress(t.Context())
	_, err := verify.Spooled(nil)(answering(brokenAt("", 0), 7)).Fetch(ctx, request(t, zipKey))
	wantBlame(t, err, upstream.Unavailable, "proxy")
	if p.Begun() {
		t.Error("it has begun")
	}
}

// Once a call has returned, nothing looks at its body any more.
func TestRateStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, p := upstream.WithProgress(t.Context())
		b := newBody("content")
		resp, err := verify.Spooled(nil)(answering(b, 7)).Fetch(ctx, request(t, modKey))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		closed := b.closed
		time.Sleep(time.Hour)
		synctest.Wait()
		if p.IsSlow() || b.closed != closed {
			t.Errorf("an hour later it is slow: %t, and was closed %d times more", p.IsSlow(), b.closed-closed)
		}
	})
}
