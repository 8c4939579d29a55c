package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of all checksum databases' tiles (the go command's too).
const tileHeight = 8

// tiles reads tiles for one question: from the store, or from the source. It is
// a tlog.TileReader, to which tlog.TileHashReader hands back those that it has
// found to belong to the tree; they are kept here until it is clear that the
// tree itself is good.
type tiles struct {
	ctx   context.Context
	s     *SumDB
	head  string // who delivered the tree head, if it is not proven itself
	fresh bool   // pass the store over, in which something is damaged

	// proven is whether the tree is known to be good: what it proves is stored at
	// once, and asked for in turn with others. Turns are taken once per reading,
	// which asks for all tiles at once, in the order of their paths: so none waits
	// for another that waits for it.
	proven bool
	turns  []func(error)

	mu     sync.Mutex
	asked  map[tlog.Tile]string // who gave what did not come from the store
	stored bool                 // something came from the store
	good   map[tlog.Tile][]byte // verified, and not in the store
}

// readTree runs read over the hashes of tree, each of which is verified by tree.
// A head that is not proven yet itself is from the source named so.
func readTree(ctx context.Context, s *SumDB, tree tlog.Tree, head string, read func(tlog.HashReader) (tlog.Hash, error)) (tlog.Hash, *tiles, error) {
	return readBy(func(fresh bool) *tiles { return &tiles{ctx: ctx, s: s, head: head, fresh: fresh} }, tree, read)
}

// readProven is readTree for a tree that is known to be good; what it asks for is
// stored.
func readProven(ctx context.Context, s *SumDB, tree tlog.Tree, read func(tlog.HashReader) (tlog.Hash, error)) (tlog.Hash, *tiles, error) {
	return readBy(func(fresh bool) *tiles { return &tiles{ctx: ctx, s: s, proven: true, fresh: fresh} }, tree, read)
}

// readBy reads by tiles that begin makes. If something does not add up and the
// store had a part in it, the source alone is asked: bit rot costs a request.
func readBy(begin func(fresh bool) *tiles, tree tlog.Tree, read func(tlog.HashReader) (tlog.Hash, error)) (tlog.Hash, *tiles, error) {
	t := begin(false)
	hash, err := t.read(tree, read)
	if err != nil && t.stored && !isUpstream(err) {
		t = begin(true)
		hash, err = t.read(tree, read)
	}
	if err == nil || isUpstream(err) {
		return hash, t, err
	}
	if err = t.blame(err); upstream.AsError(err, upstream.Request{}, "").Source == "" {
		return tlog.Hash{}, nil, err
	}
	// Who lied is known and struck, so that another source may be asked now.
	t = begin(true)
	if hash, again := t.read(tree, read); again == nil {
		return hash, t, nil
	}
	return tlog.Hash{}, nil, err
}

func (t *tiles) read(tree tlog.Tree, read func(tlog.HashReader) (tlog.Hash, error)) (tlog.Hash, error) {
	t.asked, t.good = map[tlog.Tile]string{}, map[tlog.Tile][]byte{}
	defer t.endTurns()
	hash, err := read(tlog.TileHashReader(tree, t))
	if err == nil && t.proven {
		t.s.keepTiles(t.ctx, t)
	}
	return hash, err
}

func isUpstream(err error) bool {
	_, ok := errors.AsType[*upstream.Error](err)
	return ok
}

// blame makes the error for tiles that do not belong to the tree. Which of them
// it was is not known, and an unproven head may be what is wrong, so all who
// gave one are named; who gave everything is struck.
func (t *tiles) blame(err error) error {
	var sources []string
	if t.head != "" {
		sources = append(sources, t.head)
	}
	for _, source := range t.asked {
		sources = append(sources, source)
	}
	slices.Sort(sources)
	e := &upstream.Error{Class: upstream.Untrusted, Subject: "tiles of " + t.s.db.Name, Err: err}
	if sources = slices.Compact(sources); len(sources) != 1 {
		e.Err = fmt.Errorf("%w (from %q)", err, sources)
		return e
	}
	e.Source = sources[0]
	t.s.strike(e.Source, e)
	return e
}

// Height is part of tlog.TileReader.
func (t *tiles) Height() int { return tileHeight }

// SaveTiles is part of tlog.TileReader.
func (t *tiles) SaveTiles(saved []tlog.Tile, data [][]byte) {
	for i, tile := range saved {
		if _, ok := t.asked[tile]; ok {
			t.good[tile] = data[i]
		}
	}
}

// ReadTiles is part of tlog.TileReader. It reads all at once.
func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data, err := readAll(wanted, t.readHeld)
	if err != nil {
		return nil, err
	}
	var missing []tlog.Tile
	for i, tile := range wanted {
		if data[i] == nil {
			missing = append(missing, tile)
		}
	}
	if err := t.takeTurns(missing); err != nil {
		return nil, err
	}
	rest, err := readAll(missing, t.readTile)
	if err != nil {
		return nil, err
	}
	for i := range data {
		if data[i] == nil {
			data[i], rest = rest[0], rest[1:]
		}
	}
	return data, nil
}

// readAll reads all tiles at once.
func readAll(wanted []tlog.Tile, read func(tlog.Tile) ([]byte, error)) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	errs := make([]error, len(wanted))
	var all sync.WaitGroup
	for i, tile := range wanted {
		all.Go(func() { data[i], errs[i] = readSafely(tile, read) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return data, nil
}

// readSafely keeps a store of the embedder's that panics from ending the
// program: nobody else would recover in this goroutine.
func readSafely(tile tlog.Tile, read func(tlog.Tile) ([]byte, error)) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &upstream.Error{Subject: tile.Path(), Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return read(tile)
}

// takeTurns takes the turns of tiles.
func (t *tiles) takeTurns(missing []tlog.Tile) error {
	if !t.proven || t.fresh {
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(missing), func(a, b tlog.Tile) int { return cmp.Compare(a.Path(), b.Path()) })
	for _, tile := range sorted {
		req, err := t.s.request(tile.Path())
		if err != nil {
			return err
		}
		ctx, over, taken, err := t.s.takeTurn(t.ctx, req)
		if err != nil {
			return err
		}
		if taken {
			t.ctx, t.turns = ctx, append(t.turns, over)
		}
	}
	return nil
}

// endTurns ends them. The failure of a reading need not be that of each tile.
func (t *tiles) endTurns() {
	for _, over := range t.turns {
		over(nil)
	}
}

// readHeld returns a tile from the store, or nil.
func (t *tiles) readHeld(tile tlog.Tile) ([]byte, error) {
	if t.fresh {
		return nil, nil
	}
	data, ok := t.s.heldTile(t.ctx, tile)
	if !ok {
		return nil, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stored = true
	return data, nil
}

// readTile asks for a tile, unless somebody stored it while we waited for a turn.
func (t *tiles) readTile(tile tlog.Tile) ([]byte, error) {
	if len(t.turns) > 0 {
		if data, _ := t.readHeld(tile); data != nil {
			return data, nil
		}
	}
	data, source, err := t.s.askTile(t.ctx, tile)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked[tile] = source
	return data, nil
}

func full(tile tlog.Tile) tlog.Tile {
	tile.W = 1 << tile.H
	return tile
}

func cut(tile tlog.Tile, data []byte) ([]byte, bool) {
	if size := tile.W * tlog.HashSize; len(data) >= size {
		return data[:size], true
	}
	return nil, false
}

// heldTile returns a tile from the store: it, or the full one that it begins.
func (s *SumDB) heldTile(ctx context.Context, tile tlog.Tile) ([]byte, bool) {
	for _, which := range []tlog.Tile{tile, full(tile)} {
		if data, ok := s.held(ctx, s.tileKey(which)); ok {
			if data, ok := cut(tile, data); ok {
				return data, true
			}
		}
	}
	return nil, false
}

// askTile asks the source for a tile. A database need not keep a partial tile
// once there is a wider one, so "not found" asks for the full one. That even
// that is not found is a failure: there is no tree without its tiles.
func (s *SumDB) askTile(ctx context.Context, tile tlog.Tile) ([]byte, string, error) {
	data, source, err := s.askOneTile(ctx, tile)
	if errors.Is(err, fs.ErrNotExist) && tile != full(tile) {
		data, source, err = s.askOneTile(ctx, full(tile))
	}
	if err != nil {
		return nil, "", lacking(err)
	}
	if data, ok := cut(tile, data); ok {
		return data, source, nil
	}
	return nil, "", &upstream.Error{Subject: tile.Path(), Source: source, Err: errors.New("the tile is too short")}
}

// lacking makes a failure of the "not found" of something that every database
// has, which must not read as the absence of what was asked for.
func lacking(err error) error {
	e := *upstream.AsError(err, upstream.Request{}, "")
	if e.Class == upstream.NotFound {
		e.Class = upstream.Unavailable
	}
	return &e
}

func (s *SumDB) askOneTile(ctx context.Context, tile tlog.Tile) ([]byte, string, error) {
	req, err := s.request(tile.Path())
	if err != nil {
		return nil, "", err
	}
	return s.ask(ctx, req)
}

func (s *SumDB) tileKey(tile tlog.Tile) string { return "sumdb/" + s.db.Name + "/" + tile.Path() }

// keepTiles stores tiles that were verified by a tree that is good.
func (s *SumDB) keepTiles(ctx context.Context, t *tiles) {
	for tile, data := range t.good {
		s.keep(ctx, s.tileKey(tile), data)
	}
}

// tile answers a request for a tile of hashes: verified by the head, or by a
// newer one if the tile is beyond it. Tiles of records are not served: the go
// command never asks for one.
func (s *SumDB) tile(ctx context.Context, req upstream.Request) ([]byte, error) {
	tile, err := tlog.ParseTilePath(req.Resource())
	if err != nil || tile.H != tileHeight || tile.L < 0 {
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: s.db.Name, Err: errors.New("only tiles of hashes, of height 8, are served")}
	}
	if data, ok := s.heldTile(ctx, tile); ok {
		return data, nil
	}
	if !covers(s.current(ctx).tree, tile) {
		if err := s.update(ctx); err != nil {
			return nil, lacking(err)
		}
	}
	known := s.current(ctx).tree
	if !covers(known, tile) {
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: s.db.Name, Err: errors.New("the tile is beyond the end of the tree")}
	}
	data, err := s.provenTile(ctx, tile, known)
	s.noteFailure(ctx, err)
	return data, err
}

// covers reports whether the tree has all hashes of the tile.
func covers(tree tlog.Tree, tile tlog.Tile) bool {
	hashes := tree.N >> (tile.H * tile.L) // at the tile's level
	return int64(tile.W) <= hashes && tile.N <= (hashes-int64(tile.W))>>tile.H
}

// provenTile reads the tile as wide as it is in the tree, with all that proves
// it, and returns as much of it as was asked for.
func (s *SumDB) provenTile(ctx context.Context, tile tlog.Tile, tree tlog.Tree) ([]byte, error) {
	first := tlog.StoredHashIndex(tile.H*tile.L, tile.N<<tile.H)
	_, t, err := readProven(ctx, s, tree, func(r tlog.HashReader) (tlog.Hash, error) {
		hashes, err := r.ReadHashes([]int64{first})
		if err != nil {
			return tlog.Hash{}, err
		}
		return hashes[0], nil
	})
	if err != nil {
		return nil, err
	}
	for got, data := range t.good {
		if got.H == tile.H && got.L == tile.L && got.N == tile.N {
			if data, ok := cut(tile, data); ok {
				return data, nil
			}
		}
	}
	if data, ok := s.heldTile(ctx, wide(tile, tree)); ok {
		if data, ok := cut(tile, data); ok {
			return data, nil
		}
	}
	return nil, &upstream.Error{Subject: tile.Path(), Source: s.db.Name, Err: errors.New("the tile was not among those that prove it")}
}

// wide returns the tile at the width that it has in the tree.
func wide(tile tlog.Tile, tree tlog.Tree) tlog.Tile {
	hashes := tree.N>>(tile.H*tile.L) - tile.N<<tile.H
	tile.W = int(min(hashes, 1<<tile.H))
	return tile
}
