package verify_test

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tall is how many records there are in tallLog: its tree has tiles of three
// levels, and full ones of two.
const tall = 70_000

// tallLog returns the hashes of a log whose i-th record is that of mod(i), by
// db's record. It is made once.
var tallLog = sync.OnceValues(func() (*testDatabase, []tlog.Hash) {
	signer, key, err := note.GenerateKey(nil, dbName)
	if err != nil {
		panic(err)
	}
	db := &testDatabase{signer: signer, key: key, other: func(string) string { return "" }}
	var hashes stored
	for i := range tall {
		record, err := db.record(mod(i).Path, mod(i).Version)
		if err != nil {
			panic(err)
		}
		more, err := tlog.StoredHashesForRecordHash(int64(i), tlog.RecordHash(record), hashes)
		if err != nil {
			panic(err)
		}
		hashes = append(hashes, more...)
	}
	return db, hashes
})

// stored is a tlog.HashReader.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, fs.ErrNotExist
		}
		hashes[i] = s[index]
	}
	return hashes, nil
}

// view is the log as it was, or will be, when it has n records: it can be
// grown to any size at once. It is a sumdb.ServerOps.
type view struct {
	db     *testDatabase
	hashes stored
	n      atomic.Int64
}

// newView returns a database that begins with n of the tall log's records.
func newView(t testing.TB, n int) (*testDatabase, *view) {
	t.Helper()
	log, hashes := tallLog()
	db := &testDatabase{signer: log.signer, key: log.key, other: log.other}
	v := &view{db: db, hashes: hashes}
	v.n.Store(int64(n))
	db.serve(v)
	return db, v
}

func (v *view) Signed(context.Context) ([]byte, error) {
	n := v.n.Load()
	hash, err := tlog.TreeHash(n, v.hashes)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(v.db.signer)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: string(tlog.FormatTree(tlog.Tree{N: n, Hash: hash}))}, signer)
}

func (v *view) Lookup(_ context.Context, m module.Version) (int64, error) {
	id := int64(-1)
	fmt.Sscanf(m.Path, "a.example/m%d", &id)
	if id < 0 || id >= v.n.Load() {
		return 0, fs.ErrNotExist
	}
	return id, nil
}

func (v *view) ReadRecords(_ context.Context, id, n int64) ([][]byte, error) {
	var records [][]byte
	for i := id; i < id+n; i++ {
		record, err := v.db.record(mod(int(i)).Path, mod(int(i)).Version)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

func (v *view) ReadTileData(_ context.Context, tile tlog.Tile) ([]byte, error) {
	if tile.N<<tile.H+int64(tile.W) > v.n.Load()>>(tile.H*tile.L) {
		return nil, fs.ErrNotExist
	}
	return tlog.ReadTileData(tile, v.hashes)
}
