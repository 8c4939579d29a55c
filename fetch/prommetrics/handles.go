package prommetrics

import (
	"maps"
	"sync"
	"sync/atomic"
)

// handles keeps what belongs to each of a few keys: the series that a label's values
// lead to, so that nobody has to look them up by their texts. It makes them when a
// key is met first, and forgets none. To find one takes no lock and allocates
// nothing.
type handles[K comparable, V any] struct {
	mu    sync.Mutex
	known atomic.Pointer[map[K]V] // replaced, never changed
}

// all returns what there is, which must not be changed.
func (h *handles[K, V]) all() map[K]V {
	if known := h.known.Load(); known != nil {
		return *known
	}
	return nil
}

// of returns what belongs to key, by made if it is the first time.
func (h *handles[K, V]) of(key K, made func(K) V) V {
	if v, ok := h.all()[key]; ok {
		return v
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if v, ok := h.all()[key]; ok {
		return v
	}
	next := maps.Clone(h.all())
	if next == nil {
		next = map[K]V{}
	}
	v := made(key)
	next[key] = v
	h.known.Store(&next)
	return v
}
