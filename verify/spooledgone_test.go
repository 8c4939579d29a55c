package verify_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A body whose Read does not heed the context ends with it all the same.
func TestSpooledGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		b := dripping{content: noise(100_000), each: 70_000, every: time.Second, stop: 70_000}.start()
		left := answers{{Body: b, Size: 100_000, Validator: `"a"`}}
		_, err := spooledIn(dir, &left, verify.SpoolOptions{SlowWindow: -1, DeadWindow: -1}).Fetch(ctx, request(t, zipKey))
		wantBlame(t, err, upstream.Timeout, "proxy")
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if !strings.Contains(err.Error(), "deadline") {
			t.Errorf("error is %v", err)
		}
		wantFiles(t, dir, 0)
	})
}

// A cancelling body ends the call's context when it has filled a buffer, and when
// it ends. Close does nothing to it.
type cancelling struct {
	io.Reader
	cancel context.CancelFunc
}

func (c cancelling) Close() error { return nil }

func (c cancelling) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if n == 0 || len(p) == n {
		c.cancel()
	}
	return n, err
}

// A body without end ends with the context, but one that is complete is complete.
func TestSpooledGoneWhileReading(t *testing.T) {
	req := request(t, modKey)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := verify.Spooled(nil)(answering(cancelling{zeros{}, cancel}, -1)).Fetch(ctx, req)
	wantBlame(t, err, upstream.Canceled, "proxy")

	ctx, cancel = context.WithCancel(t.Context())
	resp, err := verify.Spooled(nil)(answering(cancelling{strings.NewReader(honestMod), cancel}, -1)).Fetch(ctx, req)
	wantContent(t, resp, err, honestMod)
	if ctx.Err() == nil {
		t.Error("the context has not ended")
	}
}
