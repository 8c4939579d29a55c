package observability_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// known is how many modules an office uses day by day.
const known = 20

// A load asks a proxy at a steady pace: for modules that it knows, and for new ones.
type load struct {
	url    string
	client *http.Client

	old, fresh atomic.Int64 // requests a second
	n          atomic.Int64 // of the last module
}

// newLoad begins without any requests. It ends with the test.
func newLoad(t *testing.T, url string) *load {
	t.Helper()
	l := &load{url: url, client: &http.Client{
		Timeout:   time.Minute, // more than the proxy tries
		Transport: &http.Transport{MaxIdleConnsPerHost: mostAtOnce},
	}}
	ended := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { l.run(ended) })
	t.Cleanup(func() {
		close(ended)
		all.Wait()
		l.client.CloseIdleConnections()
	})
	return l
}

// pace says how many requests there are from now on, in a second.
func (l *load) pace(old, fresh int64) {
	l.old.Store(old)
	l.fresh.Store(fresh)
}

// mostAtOnce bounds requests under way. What is due when there are as many is left out.
const mostAtOnce = 256

// ticks is how often in a second the load looks what is due, which is also the most
// that it can ask of each sort.
const ticks = 50

func (l *load) run(ended <-chan struct{}) {
	var all sync.WaitGroup
	defer all.Wait()
	places := make(chan struct{}, mostAtOnce)
	ticker := time.NewTicker(time.Second / ticks)
	defer ticker.Stop()
	ask := func(module string) {
		select {
		case places <- struct{}{}:
			all.Go(func() {
				l.get(module)
				<-places
			})
		default:
		}
	}
	for i := int64(0); ; i++ {
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
		if isDue(i, l.old.Load()) {
			ask(everyday(i))
		}
		if isDue(i, l.fresh.Load()) {
			ask(l.fresher())
		}
	}
}

// isDue spreads so many requests over the ticks of a second.
func isDue(tick, perSecond int64) bool { return tick*perSecond/ticks != (tick+1)*perSecond/ticks }

func everyday(i int64) string   { return fmt.Sprintf("example.com/everyday%d", i%known) }
func (l *load) fresher() string { return fmt.Sprintf("example.com/new%d", l.n.Add(1)) }

// get asks for a module's go.mod, and returns the status of the answer; 0 if there
// was none.
func (l *load) get(module string) int {
	resp, err := l.client.Get(l.url + "/" + module + "/@v/" + version + ".mod")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// warm has the proxy fetch what the office uses.
func (l *load) warm(t *testing.T) {
	t.Helper()
	for i := range int64(known) {
		if status := l.get(everyday(i)); status != http.StatusOK {
			t.Fatalf("%s: status %d", everyday(i), status)
		}
	}
}

func TestLoadIsSpread(t *testing.T) {
	for _, perSecond := range []int64{0, 1, 7, 12, 50} {
		var got int64
		for tick := range int64(3 * ticks) {
			if isDue(tick, perSecond) {
				got++
			}
		}
		if got != 3*perSecond {
			t.Errorf("%d a second: %d in three", perSecond, got)
		}
	}
}
