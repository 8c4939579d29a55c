package gocmd

import (
	"slices"
	"sync"
	"time"
)

// A shelf keeps the workspaces of commands that succeeded for a little while: a
// client asks for a version's metadata, its go.mod file and its zip one after
// the other, and for the other modules of the repository, which so need be
// cloned only once for all of them. What the workspace is of use for is a guess:
// the go command finds the right clone in it, or makes one.
type shelf struct {
	most int           // how many are kept
	idle time.Duration // how long each is kept

	mu       sync.Mutex
	closed   bool
	kept     []*shelved // the oldest first
	removals sync.WaitGroup
}

type shelved struct {
	*workspace
	expiry *time.Timer
}

// How many workspaces are kept, and for how long, are bounds on the disk that
// is used while nothing happens.
const (
	shelfMost = 8
	shelfIdle = 20 * time.Second
)

// take returns a workspace that was kept for the module, or for another one of
// its repository, which now is the caller's; nil if there is none. A private
// module gets none that was another's, nor the other way round: a clone that was
// made with credentials answers without them.
func (s *shelf) take(module string, private bool) *workspace {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.kept, func(k *shelved) bool { return k.private == private && k.module == module })
	if i < 0 {
		i = slices.IndexFunc(s.kept, func(k *shelved) bool { return k.private == private && k.mayHold(module) })
	}
	if i < 0 {
		return nil
	}
	k := s.kept[i]
	k.expiry.Stop() // if it fired already, it will find that k is gone
	s.kept = slices.Delete(s.kept, i, i+1)
	return k.workspace
}

// put keeps a workspace, which is no longer the caller's, and removes the oldest
// of too many.
func (s *shelf) put(w *workspace) {
	k := &shelved{workspace: w}
	s.mu.Lock()
	s.kept = append(s.kept, k)
	k.expiry = time.AfterFunc(s.idle, func() { s.drop(k) })
	oldest := k
	full := s.closed || len(s.kept) > s.most
	if !s.closed {
		oldest = s.kept[0]
	}
	s.mu.Unlock()
	if full {
		s.drop(oldest)
	}
}

// drop removes k, unless somebody has taken it.
func (s *shelf) drop(k *shelved) {
	s.mu.Lock()
	i := slices.Index(s.kept, k)
	if i >= 0 {
		s.kept = slices.Delete(s.kept, i, i+1)
		s.removals.Add(1)
	}
	s.mu.Unlock()
	if i < 0 {
		return
	}
	defer s.removals.Done()
	k.expiry.Stop()
	k.remove() // what cannot be removed now is removed with the Source's directory
}

// close removes everything that is kept, and from now on what is put.
func (s *shelf) close() {
	s.mu.Lock()
	s.closed = true
	kept := slices.Clone(s.kept)
	s.mu.Unlock()
	for _, k := range kept {
		s.drop(k)
	}
	s.removals.Wait()
}
