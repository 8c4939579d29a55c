package cachetest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// A shelf keeps what is stored while no store is open. It may have a fault.
type shelf struct {
	fault   string
	kept    cache.Store
	damaged map[string]cachetest.Damage
	healed  map[string]cachetest.Damage // for as long as the store is open
	opened  int
}

func newShelf(fault string) *shelf {
	return &shelf{fault: fault, kept: cache.NewMemory(nil), damaged: map[string]cachetest.Damage{}}
}

func (s *shelf) open() (cache.Store, error) {
	s.opened++
	again := s.opened > 1
	switch {
	case again && s.fault == "opens once":
		return nil, errors.New("locked")
	case again && s.fault == "forgets everything":
		s.kept = cache.NewMemory(nil)
	}
	for key, how := range s.healed {
		s.damaged[key] = how
	}
	s.healed = map[string]cachetest.Damage{}
	return &onShelf{s, cache.NewMemory(nil), map[string]bool{}, again}, nil
}

func (s *shelf) damage(key string, how cachetest.Damage) error {
	s.damaged[key] = how
	if s.fault == "damages the neighbours" {
		s.damaged[key+"hash"] = how
	}
	return nil
}

// onShelf is a shelf's store while it is open. What is in passing, and that
// something is deleted in passing, is gone when it is closed.
type onShelf struct {
	*shelf
	passing cache.Store
	deleted map[string]bool
	again   bool
}

func (s *onShelf) Get(ctx context.Context, key string) (*cache.Entry, error) {
	if s.deleted[key] {
		return nil, &cache.MissError{Key: key}
	}
	if e, err := s.passing.Get(ctx, key); err == nil {
		return e, nil
	}
	e, err := s.kept.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if s.again && s.fault == "rounds times" {
		e.Fetched = e.Fetched.Truncate(time.Second)
	}
	if how, ok := s.damaged[key]; ok {
		return s.getDamaged(key, how, e)
	}
	return e, nil
}

// getDamaged makes a miss of what is damaged.
func (s *onShelf) getDamaged(key string, how cachetest.Damage, e *cache.Entry) (*cache.Entry, error) {
	content, _ := io.ReadAll(e.Body)
	switch {
	case s.fault == "fails":
		return nil, errors.New("input/output error")
	case s.fault == "gives flipped bytes" && how == cachetest.Flipped, s.fault == "notices too late":
		content = bytes.Clone(content)
		content[len(content)/2] ^= 1
		if s.fault == "notices too late" {
			s.kept.(cache.Deleter).Delete(context.Background(), key)
		}
	case s.fault == "gives what is left" && how == cachetest.Cut:
		content = content[:len(content)/2]
	case s.fault == "gives no bytes" && how == cachetest.Emptied:
		content, e.Size = nil, 0
	default:
		s.kept.(cache.Deleter).Delete(context.Background(), key)
		delete(s.damaged, key)
		if s.fault == "cannot be healed" {
			s.damaged[key] = how
		}
		return nil, &cache.MissError{Key: key, Err: errors.New("damaged")}
	}
	e.Body = cache.NewBody(content)
	return e, nil
}

func (s *onShelf) Put(ctx context.Context, key string, c cache.Content) error {
	if s.again && s.fault == "takes nothing more" {
		return cache.ErrReadOnly
	}
	old, oldErr := s.kept.Get(ctx, key)
	how, damaged := s.damaged[key]
	switch {
	case s.fault == "forgets what is put over another" && oldErr == nil:
		return s.passing.Put(ctx, key, c)
	case s.fault == "needs to notice" && damaged && oldErr == nil:
		return nil
	case s.fault == "thinks that it has it" && damaged && old != nil:
		return nil
	case s.fault == "heals for a while" && damaged:
		s.healed[key] = how
	}
	if s.fault != "cannot be healed" {
		delete(s.damaged, key)
	}
	return s.kept.Put(ctx, key, c)
}

func (s *onShelf) Move(ctx context.Context, key string, spool *cache.Spool, meta cache.Meta) error {
	to := s.kept
	if s.fault == "forgets what is committed" {
		to = s.passing
	}
	return cache.Commit(ctx, to, key, spool, meta)
}

func (s *onShelf) Delete(ctx context.Context, key string) error {
	if s.fault == "forgets what is deleted" {
		s.deleted[key] = true
		return nil
	}
	_, err := cache.Delete(ctx, s.kept, key)
	return err
}

func (s *onShelf) Swap(ctx context.Context, key string, old, next []byte, meta cache.Meta) error {
	if s.fault == "forgets what is swapped" {
		return s.passing.Put(ctx, key, cache.Content{Meta: meta, Size: int64(len(next)), Body: bytes.NewReader(next)})
	}
	return cache.Swap(ctx, s.kept, key, old, next, meta)
}

func (s *onShelf) List(ctx context.Context, visit func(string) error) error {
	if s.again && s.fault == "loses its list" {
		return nil
	}
	return s.kept.(cache.Lister).List(ctx, visit)
}

func (s *onShelf) Close() error {
	if s.fault == "cannot be closed" {
		return errors.New("busy")
	}
	return nil
}
