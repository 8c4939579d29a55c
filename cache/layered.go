package cache

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"io/fs"
	"slices"
	"sync/atomic"
	"time"
)

// Layered returns a store over several, the fastest first. Get asks them in
// order and puts what a slower one has into the faster ones that take its size.
// A store that fails is passed over. Put and Move write to all: the last that can
// be written, which is the one that lasts, decides over success; that a faster one
// refuses is no failure. A faster store must be a [Deleter]: what it cannot replace
// must not hide what is new. What the last store is able to do (spools, moves) the
// layered one does too, and Close closes those of its stores that can be closed.
//
// Stores that are read-only are asked after all others, wherever they stand: what
// they have cannot be replaced, so it must not hide what is stored later. To stand
// before a writable store saves what they have from being copied into that one;
// a hit then costs a look into the writable ones, which find nothing. Delete does
// not reach them: what they have is found again. All this holds within one call:
// what Layered returned must not be the faster of two if it has a read-only one.
//
// Without stores everything is a miss and nothing can be stored. A nil store panics.
func Layered(stores ...Store) Store {
	if slices.Contains(stores, nil) {
		panic("cache: Layered: one of the stores is nil")
	}
	var writable, fixed []Store
	copied := true
	for _, s := range stores {
		if !isWritable(s) {
			fixed = append(fixed, s)
			continue
		}
		writable = append(writable, s)
		copied = len(fixed) == 0
	}
	if len(stores) == 0 {
		return empty{}
	}
	ordered := slices.Concat(writable, fixed)
	s := ordered[len(ordered)-1]
	for i := len(ordered) - 2; i >= 0; i-- {
		s = &layered{
			fast: ordered[i], slow: s, apart: i == len(writable)-1 && !copied,
			seed: maphash.MakeSeed(), swapping: make(chan struct{}, 1),
		}
	}
	return s
}

type layered struct {
	fast, slow Store
	apart      bool // what slow has stays there

	// writes counts, for a share of the keys each, how often the slow store was
	// written. It is raised between that and what the fast store is told of it.
	// Whoever puts an entry into the fast store compares it with what it was
	// before the slow store was asked, or given the entry: if somebody else has
	// written meanwhile, nobody knows whose entry lasts, and both make the fast
	// store forget it, afterwards.
	seed   maphash.Seed
	writes [1024]atomic.Uint64

	promoting turns // one copy at a time of what many ask for

	swapping chan struct{} // full during a Swap that the slow store leaves to us
}

func (l *layered) writesOf(key string) *atomic.Uint64 {
	return &l.writes[maphash.String(l.seed, key)%uint64(len(l.writes))]
}

// touchSlow tells the slow store that an entry is used that the fast one answers,
// as seldom as a store notes use: or the most popular would look as if nobody
// wanted them.
func (l *layered) touchSlow(key string, touched *atomic.Int64) {
	if touched == nil {
		return // the fast store notes use itself
	}
	now, last := time.Now().UnixNano(), touched.Load()
	if now-last < int64(touchEvery) || !touched.CompareAndSwap(last, now) {
		return
	}
	if t, ok := l.slow.(toucher); ok {
		t.touched(key)
	}
}

// A toucher notes that an entry is used.
type toucher interface{ touched(key string) }

func (l *layered) touched(key string) {
	for _, s := range []Store{l.fast, l.slow} {
		if t, ok := s.(toucher); ok {
			t.touched(key)
		}
	}
}

func (d *Disk) touched(key string) {
	if info, err := d.root().Stat(recordName(key)); err == nil {
		d.touch(key, info.ModTime())
	}
}

func (l *layered) Get(ctx context.Context, key string) (*Entry, error) {
	e, fastErr := l.fast.Get(ctx, key)
	if fastErr == nil {
		l.touchSlow(key, e.touched)
		return e, nil
	}
	before := l.writesOf(key).Load()
	e, err := l.slow.Get(ctx, key)
	if err == nil {
		return l.promote(ctx, key, e, before)
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(fastErr, fs.ErrNotExist) {
		return nil, fastErr // the failure, not the miss, is what somebody must see
	}
	return nil, err
}

// promote reads a small entry once, for the caller and for the fast store. The
// fast store checks the digest on the way, so damaged bytes are a miss. before
// is the count of writes from before the entry was got.
func (l *layered) promote(ctx context.Context, key string, e *Entry, before uint64) (*Entry, error) {
	if l.apart || !l.takes(e.Size) {
		return e, nil
	}
	mine := make(chan struct{})
	if l.promoting.tryTake(key, mine) != nil {
		return e, nil // somebody else is at it
	}
	defer l.promoting.end(key, mine)
	if e.Size > maxPromotion {
		return l.promoteLarge(ctx, key, e, before)
	}
	content, err := readExactly(e.Body, e.Size)
	e.Body.Close()
	if err != nil {
		return nil, &MissError{Key: key, Err: err}
	}
	readOnly := !isWritable(l.slow)
	if readOnly {
		// What is in the fast store then is nowhere else: it is not replaced.
		err = Swap(ctx, l.fast, key, nil, content, e.Meta)
	} else {
		err = l.fast.Put(ctx, key, Content{Meta: e.Meta, Size: e.Size, Body: NewBody(content)})
	}
	if errors.Is(err, errMismatch) {
		return nil, &MissError{Key: key, Err: err}
	}
	if !readOnly && l.writesOf(key).Load() != before {
		l.forget(ctx, key) // what was promoted may hide a newer entry
	}
	e.Body = NewBody(content)
	return e, nil
}

// maxPromotion is how large content may be that is read into memory on its way from
// one store to the other, in bytes.
const maxPromotion = 8 << 20

func (l *layered) takes(size int64) bool { return takes(l.fast, size) && isWritable(l.fast) }

// promoteLarge copies a large entry into the fast store, and gives the caller the
// slow one's.
func (l *layered) promoteLarge(ctx context.Context, key string, e *Entry, before uint64) (*Entry, error) {
	if !isWritable(l.slow) {
		return e, nil // it is as near as the fast store, for all we know
	}
	err := l.fast.Put(ctx, key, Content{Meta: e.Meta, Size: e.Size, Body: io.NewSectionReader(e.Body, 0, e.Size)})
	if errors.Is(err, errMismatch) {
		e.Body.Close()
		return nil, &MissError{Key: key, Err: err}
	}
	if l.writesOf(key).Load() != before {
		l.forget(ctx, key)
	}
	return e, nil
}

func (l *layered) Put(ctx context.Context, key string, c Content) error {
	if !isWritable(l.slow) {
		l.writesOf(key).Add(1)
		return l.fast.Put(ctx, key, c)
	}
	if c.Size > maxPromotion || !l.takes(c.Size) { // the first to Get it has it promoted
		return errors.Join(l.slow.Put(ctx, key, c), l.written(ctx, key))
	}
	content, err := readExactly(c.Body, c.Size)
	if err != nil {
		return err
	}
	c.Body = NewBody(content)
	before := l.writesOf(key).Load()
	slowErr := l.slow.Put(ctx, key, c)
	c.Body = NewBody(content)
	l.follow(ctx, key, before, func() error { return l.fast.Put(ctx, key, c) })
	return slowErr
}

func (l *layered) Move(ctx context.Context, key string, spool *Spool, meta Meta) error {
	// A reader of a spool that is not finished would wait for the rest.
	digest, err := spool.Digest()
	if err != nil {
		return err
	}
	meta.Digest = digest
	if !isWritable(l.slow) {
		l.writesOf(key).Add(1)
		return Commit(ctx, l.fast, key, spool, meta)
	}
	before := l.writesOf(key).Load()
	slowErr := Commit(ctx, l.slow, key, spool, meta)
	if !l.takes(spool.Size()) {
		return errors.Join(slowErr, l.written(ctx, key))
	}
	stored := l.follow(ctx, key, before, func() error { return Commit(ctx, l.fast, key, spool, meta) })
	if stored && spool.Size() > maxPromotion {
		return nil // better there than nowhere: who takes content so large is no memory
	}
	return slowErr
}

// Writable reports whether any of the stores is.
func (l *layered) Writable() bool { return isWritable(l.fast) || isWritable(l.slow) }

// follow has put bring to the fast store what the slow one was given, and reports
// whether it has it. before is the count of writes from before that. If it fails,
// or somebody else writes at the same time, no other entry must hide what lasts.
func (l *layered) follow(ctx context.Context, key string, before uint64, put func() error) bool {
	writes := l.writesOf(key)
	if writes.Add(1) == before+1 && put() == nil && writes.Load() == before+1 {
		return true
	}
	l.forget(ctx, key)
	return false
}

// written drops from the fast store what the slow one has in another form.
func (l *layered) written(ctx context.Context, key string) error {
	l.writesOf(key).Add(1)
	return l.forget(ctx, key)
}

// forget tries again for a moment when ctx has ended: the slow store may have been
// written by then.
func (l *layered) forget(ctx context.Context, key string) error {
	_, err := Delete(ctx, l.fast, key)
	if err != nil && ctx.Err() != nil {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, err = Delete(grace, l.fast, key)
	}
	return err
}

func (l *layered) Delete(ctx context.Context, key string) error {
	_, slowErr := Delete(ctx, l.slow, key)
	return errors.Join(slowErr, l.written(ctx, key))
}

// NewSpool asks the slow store, unless that is behind a gate: then the download
// goes where it does not hang with it.
func (l *layered) NewSpool(memory int64) *Spool {
	if _, gated := l.slow.(*gate); gated || !isWritable(l.slow) {
		return SpoolFor(l.fast, memory)
	}
	return SpoolFor(l.slow, memory)
}

// Flush is the method of [Flusher].
func (l *layered) Flush(ctx context.Context) error {
	return errors.Join(Flush(ctx, l.fast), Flush(ctx, l.slow))
}

func (l *layered) Close() error {
	var errs []error
	for _, s := range []Store{l.fast, l.slow} {
		if c, ok := s.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// empty is a store of no layers: it has nothing and takes nothing.
type empty struct{}

func (empty) Get(_ context.Context, key string) (*Entry, error) {
	return nil, &MissError{Key: key}
}

func (empty) Put(_ context.Context, key string, _ Content) error {
	return ErrTooLarge
}
