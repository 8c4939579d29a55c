package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
)

var errPhantom = errors.New("the store has an entry that was never stored")

// Ping reports whether s can answer a look-up now: it asks for a key under which
// nothing is ever stored, another one each time, and returns nil if that is plainly a
// miss. Else it returns why s failed, also where Get makes a miss of that, as behind
// [Gate], which leads to [ErrGated] while the store is left alone.
//
// It is one Get, with what that costs: it waits as long as s does, so what may hang
// belongs behind a Gate. Of layers the whole is asked: that a faster one behind a Gate
// fails does not show where a slower one answers; [Usage].Gated tells. That a
// directory was removed is no failure, for it is made again.
func Ping(ctx context.Context, s Store) error {
	key := "breakwater-ping/" + rand.Text() // no module path begins so: there is no dot
	e, err := s.Get(ctx, key)
	if err == nil {
		return errors.Join(fmt.Errorf("%s: %w", key, errPhantom), e.Body.Close())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if miss, ok := errors.AsType[*MissError](err); ok && miss.Err != nil && !errors.Is(miss.Err, fs.ErrNotExist) {
		return miss.Err
	}
	return nil
}
