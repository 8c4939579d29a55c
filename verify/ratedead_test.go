package verify_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A body that all but stands still has broken off.
func TestRateDead(t *testing.T) {
	drip := dripping{content: noise(1 << 20), each: 51, every: 100 * time.Millisecond}
	for _, test := range []struct {
		name string
		opts verify.SpoolOptions
		body dripping
		took time.Duration
		dead bool
	}{
		{"drips", verify.SpoolOptions{}, drip, 30 * time.Second, true},
		{"drips enough", verify.SpoolOptions{}, dripping{content: noise(100 * 600), each: 600, every: time.Second}, 101 * time.Second, false},
		{"stops", verify.SpoolOptions{}, dripping{content: noise(100_000), each: 50_000, every: time.Second, stop: 50_000}, 60 * time.Second, true},
		{"drips in vain", verify.SpoolOptions{DeadRate: 1024, DeadWindow: 10 * time.Second}, dripping{content: noise(100 * 513), each: 513, every: time.Second}, 10 * time.Second, true},
		{"before it is slow", verify.SpoolOptions{SlowWindow: time.Hour}, drip, 30 * time.Second, true},
		{"between two looks", verify.SpoolOptions{SlowWindow: 2 * time.Second, DeadRate: 1000, DeadWindow: 3 * time.Second},
			dripping{content: noise(1 << 20), each: 90, every: 100 * time.Millisecond}, 4 * time.Second, true},
		{"nothing is slow", verify.SpoolOptions{SlowWindow: -1}, drip, 30 * time.Second, true},
		{"nothing is dead", verify.SpoolOptions{DeadRate: -1}, dripping{content: noise(100), each: 1, every: time.Second}, 101 * time.Second, false},
		{"nothing is ever dead", verify.SpoolOptions{DeadWindow: -1}, dripping{content: noise(100), each: 1, every: time.Second}, 101 * time.Second, false},
		{"nothing is watched", verify.SpoolOptions{SlowWindow: -1, DeadWindow: -1}, dripping{content: noise(100), each: 1, every: time.Second}, 101 * time.Second, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, _, took, err := watching(t, test.opts, test.body, 0)
				if test.dead {
					wantBlame(t, err, upstream.Timeout, "proxy")
				} else if err != nil {
					t.Error(err)
				}
				if took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
			})
		})
	}
}

// So has one whose Close does not end what is being read.
func TestRateDeadInSpiteOfClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		start := time.Now()
		drip := dripping{content: noise(100_000), each: 51, every: 100 * time.Millisecond}.start()
		_, err := spooledIn(dir, answering(io.NopCloser(drip), 100_000), verify.SpoolOptions{}).Fetch(t.Context(), request(t, zipKey))
		wantBlame(t, err, upstream.Timeout, "proxy")
		if took := time.Since(start); took < 30*time.Second || took > 30*time.Second+drip.every {
			t.Errorf("it took %v", took)
		}
		wantFiles(t, dir, 0)
	})
}

// A dead zip goes on at the same source like one that breaks off.
func TestRateDeadResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(300_000)
		left := answers{
			{Body: dripping{content: content, each: 100_000, every: time.Second, stop: 100_000}.start(), Size: 300_000, Validator: `"a"`},
			{Body: newBody(content[100_000:]), Size: 300_000, Offset: 100_000, Validator: `"a"`},
		}
		resp, err := spooledIn(t.TempDir(), &left, verify.SpoolOptions{}).Fetch(t.Context(), request(t, zipKey))
		wantContent(t, resp, err, content)
	})
}

// So does one at which the source's own patience ends, which is the shorter one.
func TestRateStallResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		o := &zipOrigin{content: noise(300_000), etag: `"a"`, breaks: []int64{100_000}, stalls: true}
		resp, err := spooledIn(t.TempDir(), o.source(t, "proxy.example"), verify.SpoolOptions{}).Fetch(t.Context(), request(t, zipKey))
		wantContent(t, resp, err, o.content)
		if took := time.Since(start); took != 20*time.Second || o.sent != 300_000 {
			t.Errorf("it took %v and %d bytes", took, o.sent)
		}
	})
}
