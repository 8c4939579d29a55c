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
)

// A method is one entry of a GOAUTH list.
type method interface {
	// table returns what is known without asking about one URL. An error is for
	// what may hide credentials.
	table(ctx context.Context) (table, error)

	// ask looks for credentials for one URL, after a refusal; they are in the
	// next table. Calls for one host come one by one.
	ask(ctx context.Context, u *url.URL, refusal *http.Response) error

	describe() string // without secrets
}

// A list looks up URLs in what its methods know, as the go command does
// (auth/auth.go): the longest prefix counts, and for one prefix the first method.
type list struct {
	methods []method

	mu    sync.Mutex
	asked map[string]outcome // by [subject]
	hosts map[string]*host
}

func newList(methods []method) *list {
	return &list{methods: methods, asked: make(map[string]outcome), hosts: make(map[string]*host)}
}

// Header implements [upstream.Credentials]. One method's failure counts only
// where no other has credentials.
func (l *list) Header(ctx context.Context, u *url.URL) (http.Header, error) {
	tables, err := l.tables(ctx)
	if fields := find(tables, u); fields != nil {
		return fields, nil
	}
	return nil, err
}

func (l *list) tables(ctx context.Context) ([]table, error) {
	var tables []table
	var errs []error
	for _, m := range l.methods {
		t, err := m.table(ctx)
		if err != nil {
			errs = append(errs, err)
		}
		tables = append(tables, t)
	}
	return tables, errors.Join(errs...)
}

// Refresh implements [upstream.CredentialsRefresher]. Of callers who were
// refused at the same time one asks, and the others take what it got.
func (l *list) Refresh(ctx context.Context, u *url.URL, sent http.Header, refusal *http.Response) (http.Header, error) {
	for {
		tables, err := l.tables(ctx)
		if fields := find(tables, u); isBetter(fields, sent) {
			return fields, nil
		}
		running, settled := l.consult(ctx, u, sent, refusal, knowHost(tables, u))
		if running == nil {
			return nil, errors.Join(settled.told(refusal), err)
		}
		if err := l.wait(ctx, running); err != nil {
			return nil, err
		}
	}
}

// isBetter reports whether fields are worth a try after sent.
func isBetter(fields, sent http.Header) bool {
	return len(fields) > 0 && !maps.EqualFunc(fields, sent, slices.Equal)
}

func (l *list) ask(ctx context.Context, u *url.URL, refusal *http.Response) []error {
	var errs []error
	for _, m := range l.methods {
		if err := m.ask(ctx, u, refusal); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
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
