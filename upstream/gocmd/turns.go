package gocmd

import (
	"context"
	"slices"
	"sync"
)

// Turns say which of the requests may run a go command now. There are bounds on
// how many of them do, in all and for one host: a host that hangs must not take
// what the others need. And there is one command per module at a time, because
// the next one finds the repository cloned.
//
// Of those that may run, the one that has waited longest is next. Who may not,
// because of his host or his module, is passed by.
type turns struct {
	most     int // commands at once
	mostHost int // for one host

	mu      sync.Mutex
	running int
	hosts   map[string]int  // how many run, by host
	modules map[string]bool // those for which one runs
	waiting []*turn         // the longest first
}

// A turn is one request's, from when it waits to when its command has ended.
type turn struct {
	host, module string
	come         chan struct{} // closed when it may run
}

func newTurns(most int) *turns {
	return &turns{
		most: most, mostHost: max(1, most/2),
		hosts: map[string]int{}, modules: map[string]bool{},
	}
}

// take waits until a command may be run for the module, which its caller then
// must give back. If ctx ends before, its error is returned and nothing need be
// given back.
func (t *turns) take(ctx context.Context, host, module string) (giveBack func(), err error) {
	mine := &turn{host: host, module: module, come: make(chan struct{})}
	t.mu.Lock()
	t.waiting = append(t.waiting, mine)
	t.admit()
	t.mu.Unlock()
	select {
	case <-mine.come:
	case <-ctx.Done():
		if t.leave(mine) {
			return nil, context.Cause(ctx)
		}
		// It came at the same moment. The caller finds out about ctx by itself.
	}
	return func() { t.end(mine) }, nil
}

// leave takes one that waits out of the line. It reports false for one that does
// not wait any longer.
func (t *turns) leave(mine *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting, mine)
	if i < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, i, i+1)
	return true
}

func (t *turns) end(mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	delete(t.modules, mine.module)
	if t.hosts[mine.host]--; t.hosts[mine.host] == 0 {
		delete(t.hosts, mine.host)
	}
	t.admit()
}

// admit lets run who may. The caller holds the lock.
func (t *turns) admit() {
	t.waiting = slices.DeleteFunc(t.waiting, func(next *turn) bool {
		if t.running >= t.most || t.hosts[next.host] >= t.mostHost || t.modules[next.module] {
			return false
		}
		t.running++
		t.hosts[next.host]++
		t.modules[next.module] = true
		close(next.come)
		return true
	})
}
