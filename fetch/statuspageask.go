package fetch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

const (
	fileSystemWait   = 300 * time.Millisecond
	diagnosePause    = 10 * time.Second
	diagnosisWithin  = time.Minute
	diagnosisRemains = 10 * time.Minute
)

// A fileSystemAsker asks how much room there is. The system call may hang, with no
// context to end it, so nobody waits for it for long: there is one at a time, and
// those who come meanwhile get what was known before.
type fileSystemAsker struct {
	asking atomic.Bool
	known  atomic.Pointer[[]StatusFileSystem]
}

func (a *fileSystemAsker) ask(c *Client) []StatusFileSystem {
	if a.asking.CompareAndSwap(false, true) {
		a.wait(c)
	}
	if known := a.known.Load(); known != nil {
		return *known
	}
	return nil
}

// wait has the Client ask, which waits at its Close for the system call to end.
func (a *fileSystemAsker) wait(c *Client) {
	done := make(chan struct{})
	asked := c.own(func() {
		defer close(done)
		defer a.asking.Store(false)
		a.find(c.store)
	})
	if !asked {
		return // it was closed, and nobody need ask any more
	}
	late := time.NewTimer(fileSystemWait)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	}
}

func (a *fileSystemAsker) find(s cache.Store) {
	below, _ := cache.FileSystemsOf(context.Background(), s)
	var all []StatusFileSystem
	for _, f := range below {
		all = append(all, StatusFileSystem{Dir: clip(f.Dir), Total: f.Total, Free: f.Free})
	}
	a.known.Store(&all)
}

// diagnoses has at most one diagnosis made at a time, and at most one each 10 s,
// whoever asks. The latest is shown to all for 10 minutes.
type diagnoses struct {
	mu     sync.Mutex
	begun  time.Time
	under  chan struct{} // closed when the one under way is done; nil: none is
	latest *Diagnosis
}

// ask has one made unless there is a recent one, and waits for the one that is under
// way, whoever asked for it. It is made to its end also if its asker leaves.
func (d *diagnoses) ask(ctx context.Context, now time.Time, c *Client) error {
	under := d.begin(now, c)
	if under == nil {
		return nil
	}
	select {
	case <-under:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin returns what is closed when the one under way is done, having begun it if
// need be; nil if there is nothing to wait for.
func (d *diagnoses) begin(now time.Time, c *Client) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.under != nil {
		return d.under
	}
	if !d.begun.IsZero() && now.Sub(d.begun) < diagnosePause {
		return nil
	}
	under := make(chan struct{})
	if !c.own(func() { d.make(c, under) }) {
		return nil // it was closed
	}
	d.begun, d.under = now, under
	return under
}

// make has the Client diagnose, with no lock held. The Client's Close waits for it
// until its sources are closed, at the latest for diagnosisWithin.
func (d *diagnoses) make(c *Client, under chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), diagnosisWithin)
	defer cancel()
	var made *Diagnosis
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if made != nil {
			d.latest = made
		}
		d.under = nil
		close(under)
	}()
	made = c.Diagnose(ctx)
}

// recent returns the latest that is not old, or nil.
func (d *diagnoses) recent(now time.Time) *Diagnosis {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.latest == nil || now.Sub(d.latest.At) > diagnosisRemains {
		return nil
	}
	return d.latest
}
