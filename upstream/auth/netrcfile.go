package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

const (
	recheck      = time.Second // how long a netrc file is taken to be unchanged
	maxNetrcFile = 1 << 20
)

// Netrc returns the credentials in a netrc file, by machine, as basic
// authentication. An empty name means the user's own: the file that the variable
// NETRC names, or else .netrc in the home directory (_netrc if there is one, on
// Windows), or none where the home directory is not known.
//
// The file is read when it is needed, once a second at most, and after a refusal;
// so a change counts without a restart. No such file means no credentials. One
// that cannot be read, or of more than 1 MiB, is an error of every request until
// it can.
func Netrc(file string) upstream.Credentials {
	return newList([]method{&netrcFile{name: file, turn: newTurn()}})
}

type netrcFile struct {
	name string
	turn turn

	// Whoever has the turn reads and writes these.
	checked time.Time
	known   table
	err     error
}

func (n *netrcFile) describe() string { return "netrc" }

// table is under the turn, not a mutex, because it reads a file.
func (n *netrcFile) table(ctx context.Context) (table, error) {
	return n.checkedAfter(ctx, recheck)
}

func (n *netrcFile) ask(ctx context.Context, _ *url.URL, _ *http.Response) error {
	_, err := n.checkedAfter(ctx, 0)
	return err
}

func (n *netrcFile) checkedAfter(ctx context.Context, age time.Duration) (table, error) {
	done, err := n.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if n.checked.IsZero() || time.Since(n.checked) >= age {
		n.known, n.err = n.read()
		n.checked = time.Now()
	}
	return n.known, n.err
}

// read returns what is in the file now.
func (n *netrcFile) read() (table, error) {
	name, err := n.path()
	if err != nil || name == "" {
		return nil, err
	}
	data, err := readNetrc(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("netrc: %w", err)
	}
	return netrcTable(data), nil
}

func readNetrc(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Mode()&(fs.ModeDir|fs.ModeNamedPipe|fs.ModeSocket) != 0 { // a pipe might block for ever
		return "", fmt.Errorf("%s is not a file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNetrcFile+1))
	if err == nil && len(data) > maxNetrcFile {
		err = fmt.Errorf("%s is larger than the %d bytes allowed", name, maxNetrcFile)
	}
	return string(data), err
}

// path follows the go command (auth/netrc.go).
func (n *netrcFile) path() (string, error) {
	if n.name != "" {
		return n.name, nil
	}
	if env := os.Getenv("NETRC"); env != "" {
		return env, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", nil // a service without a home has no netrc file
	}
	if runtime.GOOS == "windows" {
		legacy := filepath.Join(home, "_netrc")
		_, err := os.Stat(legacy)
		if err == nil {
			return legacy, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("netrc: %w", err)
		}
	}
	return filepath.Join(home, ".netrc"), nil
}
