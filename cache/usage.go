package cache

// Usage is how much one layer of a store holds, and what has become of entries
// since the store was opened. It is a snapshot: figures that change together may
// be from before and after one change.
type Usage struct {
	// Layer is the kind of store: "memory", "disk", or "queue" for what waits to
	// be written by [WriteBack]. It is what [Entry].Layer says.
	Layer string

	// Dir is the directory of a disk store; empty elsewhere.
	Dir string

	// Known is whether Entries and Bytes are counted; they are 0 where not. A disk
	// store without Bounds does not count: what is there is known only after a walk
	// through the directory, and to keep the count up costs two system calls in each
	// Put and Delete. One with Bounds knows when its first walk is over, which begins
	// when it is opened and may take minutes, and forgets when its directory is
	// removed, until another walk. A read-only one never counts.
	Known bool

	// Entries and Bytes are what it holds, as far as this process knows: what others
	// store in a directory shows at the next walk, within the hour. Bytes are in the
	// measure of MaxBytes: of content and, in memory, also of keys and of what is kept
	// beside content. In a queue they are what is being written or waits for that,
	// deletions included.
	Entries, Bytes int64

	// MaxEntries and MaxBytes are the bounds; 0: there is none; a negative MaxBytes:
	// nothing is kept. A disk store may be beyond them while it makes room, a queue by
	// the one entry that is being written.
	MaxEntries, MaxBytes int64

	// Damaged is how many entries this process has found damaged. Only what is on a
	// disk can be.
	Damaged int64

	// Evicted is how many entries this process has removed to make room. In memory
	// one that never got beyond the part for new ones counts, too.
	Evicted int64

	// ReadOnly is whether nothing is ever written here.
	ReadOnly bool

	// Gated is whether the layer is behind a [Gate] that leaves it alone, but for a
	// call now and then that tries.
	Gated bool
}

// A Measured is a Store that can say how much it holds.
type Measured interface {
	Store

	// Usage returns what is known of each layer, the one that is asked first first.
	// It reads counters: it does no I/O, waits for nobody who does, and may be called
	// at any time, also after Close. The caller owns the result.
	Usage() []Usage
}

// UsageOf returns how much each layer of s holds, for which it costs no more than
// reading counters. A layer that is no [Measured] is left out, so there may be none.
func UsageOf(s Store) []Usage {
	if m, ok := s.(Measured); ok {
		return m.Usage()
	}
	return nil
}

// Usage is the method of [Measured]. Each shard is locked for itself.
func (m *memory) Usage() []Usage {
	u := Usage{Layer: "memory", Known: true, MaxBytes: m.maxBytes}
	for i := range m.shards {
		m.shards[i].addTo(&u)
	}
	return []Usage{u}
}

func (s *shard) addTo(u *Usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.Entries += int64(s.window.lru.Len() + s.main.lru.Len())
	u.Bytes += s.window.bytes + s.main.bytes
	u.Evicted += s.evicted
}

// Usage is the method of [Measured].
func (d *Disk) Usage() []Usage {
	u := Usage{
		Layer: "disk", Dir: d.Dir(), ReadOnly: d.readOnly,
		MaxBytes: max(0, d.opts.Bounds.MaxBytes), MaxEntries: max(0, d.opts.Bounds.MaxFiles),
		Damaged: d.corrupt.Load(), Evicted: d.evicted.Load(),
	}
	if held, walked := d.account.known(); walked && d.opts.Bounds.any() {
		u.Known, u.Entries, u.Bytes = true, max(0, held.files), max(0, held.bytes)
	}
	return []Usage{u}
}

// Usage is the method of [Measured].
func (r *readOnly) Usage() []Usage { return r.d.Usage() }

// Usage is the method of [Measured].
func (l *layered) Usage() []Usage { return append(UsageOf(l.fast), UsageOf(l.slow)...) }

// Usage is the method of [Measured]. The store is asked however it is: it does no
// I/O for that.
func (g *gate) Usage() []Usage {
	layers, gated := UsageOf(g.store), !g.isWell()
	for i := range layers {
		layers[i].Gated = layers[i].Gated || gated
	}
	return layers
}

// Usage is the method of [Measured]. What waits comes first, as it does to Get.
func (w *writeBack) Usage() []Usage {
	w.mu.Lock()
	waits, bytes := w.waits, w.bytes
	w.mu.Unlock()
	queue := Usage{
		Layer: "queue", Known: true, Entries: waits, Bytes: bytes,
		MaxEntries: int64(cap(w.queue)), MaxBytes: w.opts.Bytes,
	}
	return append([]Usage{queue}, UsageOf(w.store)...)
}
