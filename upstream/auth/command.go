package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// runAgain is how long a command that failed when it was run without a URL is
// not run so again. The go command never does; commands that understand only
// URLs exist.
const runAgain = time.Minute

// command is a program that prints credentials ("go help goauth").
type command struct {
	words []string
	opts  *Options
	turn  turn // of the run without a URL

	mu    sync.Mutex
	known table
	ran   bool
	due   time.Time
}

func (c *command) describe() string { return c.words[0] }

// table runs the command first if it has not been. That it fails is no error
// yet: with the URL that was refused it may do better.
func (c *command) table(ctx context.Context) (table, error) {
	if t, ready := c.ready(); ready {
		return t, nil
	}
	done, err := c.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if t, ready := c.ready(); ready {
		return t, nil
	}
	t, err := c.run(ctx, "")
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c.learn(t, err), nil
}

func (c *command) ready() (table, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known, c.ran || time.Now().Before(c.due)
}

func (c *command) learn(t table, err error) table {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran, c.due = c.ran || err == nil, time.Now().Add(runAgain)
	c.known = merged(c.known, t)
	return c.known
}

func (c *command) ask(ctx context.Context, u *url.URL, refusal *http.Response) error {
	t, err := c.run(ctx, status(refusal), u.String())
	if err == nil {
		c.learn(t, nil)
	}
	return err
}

func (c *command) run(ctx context.Context, stdin string, args ...string) (table, error) {
	out, err := c.opts.run(ctx, "", c.opts.Env, stdin, slices.Concat(c.words, args)...)
	if err != nil {
		return nil, err
	}
	t, err := parseOutput(string(out))
	if err != nil {
		return nil, fmt.Errorf("GOAUTH command %s: its output: %w", c.words[0], err)
	}
	return t, nil
}

// status spells a response for a command's standard input.
func status(r *http.Response) string {
	var b strings.Builder
	text := cmp.Or(r.Status, fmt.Sprint(r.StatusCode, " ", http.StatusText(r.StatusCode)))
	fmt.Fprintf(&b, "%s %s\n", cmp.Or(r.Proto, "HTTP/1.1"), text)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
	}
	b.WriteString("\n")
	return b.String()
}

// splitQuoted splits a command line into words as the go command does
// (cmd/internal/quoted): quotes around a word hold it together, and nothing is
// special in them.
func splitQuoted(s string) ([]string, error) {
	var words []string
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return words, nil
		}
		if quote := s[:1]; quote == `"` || quote == `'` {
			word, rest, ok := strings.Cut(s[1:], quote)
			if !ok {
				return nil, errors.New("a quote is not closed")
			}
			words, s = append(words, word), rest
			continue
		}
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		words, s = append(words, s[:end]), s[end:]
	}
}
