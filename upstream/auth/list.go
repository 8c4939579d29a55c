package auth

import (
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

// A method is one entry of a GOAUTH list.
type method interface {
	// table returns what is known without asking about one URL. An error is for
	// what may hide credentials.
	table(ctx context.Context) (table, error)

	// ask looks for credentials for one URL, after a refusal; they are in the
	// next table. Calls come one by one.
	ask(ctx context.Context, u *url.URL, refusal *http.Response) error

	describe() string // without secrets
}

// askAgain is how long the answer about a module holds.
const askAgain = 10 * time.Second

// maxAsked bounds how many modules' answers are remembered.
const maxAsked = 4096

// A list looks up URLs in what its methods know, as the go command does
// (auth/auth.go): the longest prefix counts, and for one prefix the first method.
type list struct {
	methods []method
	turn    turn // of asking

	mu    sync.Mutex
	asked map[string]answer
}

type answer struct {
	at  time.Time
	err error
}

func newList(methods []method) *list {
	return &list{methods: methods, turn: newTurn(), asked: make(map[string]answer)}
}

// Header implements [upstream.Credentials]. One method's failure counts only
// where no other has credentials.
func (l *list) Header(ctx context.Context, u *url.URL) (http.Header, error) {
	var tables []table
	var errs []error
	for _, m := range l.methods {
		t, err := m.table(ctx)
		if err != nil {
			errs = append(errs, err)
		}
		tables = append(tables, t)
	}
	if fields := find(tables, u); fields != nil {
		return fields, nil
	}
	return nil, errors.Join(errs...)
}

// Refresh implements [upstream.CredentialsRefresher]. Of callers who were
// refused at the same time one asks, and the others take what it got.
func (l *list) Refresh(ctx context.Context, u *url.URL, sent http.Header, refusal *http.Response) (http.Header, error) {
	done, err := l.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if fields, err := l.Header(ctx, u); err == nil && len(fields) > 0 && !maps.EqualFunc(fields, sent, slices.Equal) {
		return fields, nil
	}
	asked, known := l.recall(u)
	if !known {
		asked = l.ask(ctx, u, refusal)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		l.remember(u, asked)
	}
	fields, err := l.Header(ctx, u)
	if len(fields) > 0 && !maps.EqualFunc(fields, sent, slices.Equal) {
		return fields, nil
	}
	return nil, errors.Join(asked, err)
}

func (l *list) ask(ctx context.Context, u *url.URL, refusal *http.Response) error {
	var errs []error
	for _, m := range l.methods {
		errs = append(errs, m.ask(ctx, u, refusal))
	}
	return errors.Join(errs...)
}

// subject is what all files of one module, and one source, have in common.
func subject(u *url.URL) string {
	path, _, _ := strings.Cut(u.EscapedPath(), "/@")
	return u.Host + path
}

func (l *list) recall(u *url.URL) (error, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.asked[subject(u)]
	return a.err, ok && time.Since(a.at) < askAgain
}

func (l *list) remember(u *url.URL, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.asked) >= maxAsked {
		clear(l.asked)
	}
	l.asked[subject(u)] = answer{time.Now(), err}
}

// Format prints a description for every verb: credentials must not get into a
// log by way of a struct that holds them.
func (l *list) Format(s fmt.State, _ rune) {
	var names []string
	for _, m := range l.methods {
		names = append(names, m.describe())
	}
	fmt.Fprintf(s, "auth(%s)", strings.Join(names, "; "))
}
