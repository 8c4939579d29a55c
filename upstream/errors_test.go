package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

var classes = []upstream.Class{
	upstream.Unavailable, upstream.NotFound, upstream.Denied, upstream.Timeout,
	upstream.Untrusted, upstream.Overloaded, upstream.Canceled,
}

// An outage never looks like absence, whatever the cause is.
func TestOnlyTheClassDecidesWhatAnErrorIs(t *testing.T) {
	causes := []error{
		nil, fs.ErrNotExist, context.DeadlineExceeded, context.Canceled, os.ErrDeadlineExceeded,
		&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist},
		fmt.Errorf("wrapped: %w", context.Canceled),
		errors.Join(errors.New("x"), fs.ErrNotExist),
		&upstream.Error{Class: upstream.NotFound},
	}
	for _, class := range classes {
		for _, cause := range causes {
			err := error(&upstream.Error{Class: class, Err: cause})
			for target, owner := range map[error]upstream.Class{
				fs.ErrNotExist:           upstream.NotFound,
				context.DeadlineExceeded: upstream.Timeout,
				context.Canceled:         upstream.Canceled,
			} {
				if got, want := errors.Is(err, target), class == owner; got != want {
					t.Errorf("errors.Is(%v because of %v, %v) = %v", class, cause, target, got)
				}
			}
		}
	}
}

func TestErrorKeepsItsCause(t *testing.T) {
	cause := errors.New("disk on fire")
	if err := error(&upstream.Error{Err: fmt.Errorf("wrapped: %w", cause)}); !errors.Is(err, cause) {
		t.Error("the cause cannot be found behind the Error")
	}
	err := error(&upstream.Error{Class: upstream.NotFound, Err: &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}})
	if _, ok := errors.AsType[*fs.PathError](err); !ok {
		t.Error("a cause that agrees with the class cannot be found behind the Error")
	}
}

func TestErrorText(t *testing.T) {
	mod := request(t, "github.com/!burnt!sushi/toml/@v/v1.5.0.mod")
	list := request(t, "a.b/c/@v/list")
	tile := request(t, "sumdb/sum.example/tile/8/0/000")
	cause := errors.New("it\n\tbroke")
	tests := []struct {
		err  upstream.Error
		want string
	}{
		{upstream.Error{Request: mod, Source: "https://proxy.example", Class: upstream.NotFound, Status: 404},
			"github.com/BurntSushi/toml@v1.5.0 (mod): https://proxy.example: not found (status 404)"},
		{upstream.Error{Request: list, Source: "a", Class: upstream.Denied, Status: 403, Text: "not for you\nask the team"},
			"a.b/c (list): a: denied (status 403): not for you ask the team"},
		{upstream.Error{Request: tile, Source: "a", Status: 503, RetryAfter: 90*time.Second + time.Millisecond},
			"sumdb/sum.example/tile/8/0/000: a: unavailable (status 503) (retry after 1m30s)"},
		{upstream.Error{Request: list, Err: cause, Text: "text"},
			"a.b/c (list): unavailable: it broke: text"},
		{upstream.Error{Subject: "/x\x1b[2J\u202e", Class: upstream.NotFound, Err: cause},
			"/x\ufffd[2J\ufffd: not found: it broke"},
		{upstream.Error{Request: list, Source: "a", Status: 500, Attempts: []*upstream.Error{
			{Request: list, Source: "a", Status: 500},
			{Request: list, Source: "b", Class: upstream.NotFound, Text: "none"},
		}},
			"a.b/c (list): a: unavailable (status 500)\n\tb: not found: none"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("Error() is\n%s\nwant\n%s", got, test.want)
		}
	}
}

// A cause may quote what a broken server sent.
func TestErrorTextIsBounded(t *testing.T) {
	err := &upstream.Error{Err: fmt.Errorf("malformed response %q", strings.Repeat("\x00", 1<<20))}
	if got := len(err.Error()); got > 3000 {
		t.Errorf("Error() has %d bytes", got)
	}
}

func TestClassOf(t *testing.T) {
	denied := &upstream.Error{Class: upstream.Denied, Err: context.Canceled}
	tests := []struct {
		err  error
		want upstream.Class
	}{
		{denied, upstream.Denied},
		{fmt.Errorf("wrapped: %w", denied), upstream.Denied},
		{errors.Join(errors.New("x"), denied), upstream.Denied},
		{context.DeadlineExceeded, upstream.Timeout},
		{fmt.Errorf("wrapped: %w", context.Canceled), upstream.Canceled},
		{fs.ErrNotExist, upstream.Unavailable}, // only an *Error may say "not found"
		{errors.New("x"), upstream.Unavailable},
		{nil, upstream.Unavailable},
	}
	for _, test := range tests {
		if got := upstream.ClassOf(test.err); got != test.want {
			t.Errorf("ClassOf(%v) = %v, want %v", test.err, got, test.want)
		}
	}
}

// An answer is an answer: it does not help to ask again.
func TestErrorMayPass(t *testing.T) {
	tests := []struct {
		class    upstream.Class
		statuses []int
		want     bool
	}{
		{upstream.Unavailable, []int{0, 204, 304, 408, 425, 429, 500, 503, 599}, true},
		{upstream.Unavailable, []int{400, 405, 414, 431, 499}, false},
		{upstream.Timeout, []int{0, 408, 504}, true},
		{upstream.NotFound, []int{0, 404, 410}, false},
		{upstream.Denied, []int{0, 403, 429}, false},
		{upstream.Untrusted, []int{0}, false},
		{upstream.Overloaded, []int{0, 503}, false},
		{upstream.Canceled, []int{0}, false},
	}
	for _, test := range tests {
		for _, status := range test.statuses {
			e := &upstream.Error{Class: test.class, Status: status}
			if got := e.MayPass(); got != test.want {
				t.Errorf("%v: MayPass() = %v", e, got)
			}
		}
	}
}

func TestClassString(t *testing.T) {
	for class, want := range map[upstream.Class]string{
		upstream.Unavailable: "unavailable",
		upstream.Canceled:    "canceled",
		upstream.Class(200):  "Class(200)",
	} {
		if got := class.String(); got != want {
			t.Errorf("class %d is %q, want %q", class, got, want)
		}
	}
}

func TestAsError(t *testing.T) {
	req := request(t, "a.b/c/@latest")
	if upstream.AsError(nil, req, "a") != nil {
		t.Error("AsError(nil) is not nil")
	}
	known := &upstream.Error{Class: upstream.Denied, Source: "b"}
	if got := upstream.AsError(fmt.Errorf("wrapped: %w", known), req, "a"); got != known {
		t.Errorf("AsError made %v of an error that has an *Error in its chain", got)
	}
	e := upstream.AsError(fs.ErrNotExist, req, "a")
	if e.Class != upstream.Unavailable || e.Request != req || e.Source != "a" || e.Err != fs.ErrNotExist {
		t.Errorf("AsError(fs.ErrNotExist) = %#v", e)
	}
}

func TestContextError(t *testing.T) {
	req := request(t, "a.b/c/@latest")
	why := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	err := upstream.ContextError(ctx, req, "a")
	if e := wantError(t, err, upstream.Canceled); e.Request != req || e.Source != "a" || !errors.Is(err, why) {
		t.Errorf("error is %#v, want it to name the request, the source and the cause", e)
	}
	ctx, cancelTimeout := context.WithTimeout(t.Context(), 0)
	defer cancelTimeout()
	wantError(t, upstream.ContextError(ctx, req, "a"), upstream.Timeout)
}
