package verify_test

import (
	"bytes"
	"context"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
)

// goClient is the go command's own client (golang.org/x/mod/sumdb) with an
// engine as its database. It verifies everything that it is given.
type goClient struct {
	remote *engine

	mu       sync.Mutex
	head     []byte            // its configuration: what it knows of the tree
	cache    map[string][]byte // nil if it keeps nothing
	security []string
}

// newGoClient returns a client that knows nothing yet.
func newGoClient(t testing.TB, remote *engine) *goClient {
	return &goClient{remote: remote}
}

// wantLookups checks that the client gets the database's lines for each module,
// having verified them. It is a new process each time, which keeps its head.
func (c *goClient) wantLookups(t testing.TB, modules ...module.Version) {
	t.Helper()
	client := sumdb.NewClient(c)
	for _, m := range modules {
		for _, suffix := range []string{"", "/go.mod"} {
			got, err := client.Lookup(m.Path, m.Version+suffix)
			if err != nil {
				t.Errorf("the go command's look-up: %v", err)
				break
			}
			file := "zip"
			if suffix != "" {
				file = "mod"
			}
			want := []string{m.Path + " " + m.Version + suffix + " " + c.remote.db.hash(m, file)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("look-up of %s%s (-want +got):\n%s", m, suffix, diff)
			}
		}
	}
	if len(c.security) > 0 {
		t.Errorf("the go command sees misbehaviour: %s", c.security)
	}
}

func (c *goClient) ReadRemote(path string) ([]byte, error) {
	return c.remote.read(context.Background(), strings.TrimPrefix(path, "/"))
}

func (c *goClient) ReadConfig(file string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if file == "key" {
		return []byte(c.remote.db.key), nil
	}
	return c.head, nil
}

func (c *goClient) WriteConfig(_ string, old, new []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !bytes.Equal(old, c.head) {
		return sumdb.ErrWriteConflict
	}
	c.head = bytes.Clone(new)
	return nil
}

func (c *goClient) ReadCache(file string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data, ok := c.cache[file]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func (c *goClient) WriteCache(file string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache != nil {
		c.cache[file] = bytes.Clone(data)
	}
}

func (c *goClient) Log(string) {}

func (c *goClient) SecurityError(msg string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.security = append(c.security, msg)
}
