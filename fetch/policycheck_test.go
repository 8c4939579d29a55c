package fetch_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// What is remembered is of a content: another one under the same name is checked
// anew, and so is whatever has no digest.
func TestCheckIsOfTheContent(t *testing.T) {
	const good, bad = "good", "bad"
	tests := []struct {
		name   string
		digest func(content string) string
		want   []string // Check's, for good, bad, bad, good
	}{
		{"known", func(content string) string { return digestOf([]byte(content)) }, []string{good, bad}},
		{"unknown", func(string) string { return "" }, []string{good, bad, bad, good}},
	}
	for _, tt := range tests {
		var checked []string
		var content string
		f := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
			body := cache.NewBody([]byte(content))
			return &upstream.Response{Body: body, Size: int64(len(content)), Source: "changeable", Digest: tt.digest(content)}, nil
		})
		policed, _ := police(t, fetch.Policy{Check: func(_ context.Context, _ module.Version, zip io.ReaderAt, size int64) error {
			data, err := io.ReadAll(io.NewSectionReader(zip, 0, size))
			if checked = append(checked, string(data)); string(data) == bad {
				return errors.Join(err, errors.New("malware"))
			}
			return err
		}}, f)
		for _, content = range []string{good, bad, bad, good} {
			want := map[string]string{good: good, bad: "denied: malware"}[content]
			if got := askPoliced(t, t.Context(), policed, checkedZip); got != want {
				t.Errorf("digest %s, content %s: got %q", tt.name, content, got)
			}
		}
		if diff := cmp.Diff(tt.want, checked); diff != "" {
			t.Errorf("digest %s: checked (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Two answers at the same time that cannot be told apart are two to be checked.
func TestCheckSharesNothingUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		s := newCheckedShelf()
		nameless := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			resp, err := s.Fetch(ctx, req)
			resp.Digest = ""
			return resp, err
		})
		policed, _ := police(t, fetch.Policy{Check: func(context.Context, module.Version, io.ReaderAt, int64) error {
			calls.Add(1)
			time.Sleep(time.Second)
			return nil
		}}, nameless)
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() { askPoliced(t, t.Context(), policed, checkedZip) })
		}
		callers.Wait()
		if n := calls.Load(); n != 2 {
			t.Errorf("Check was called %d times for two answers", n)
		}
		s.checkClosed(t)
	})
}

// A Check that ends its goroutine has said nothing; the next caller is heard.
func TestCheckThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		s := newCheckedShelf()
		policed, _ := police(t, fetch.Policy{Check: func(context.Context, module.Version, io.ReaderAt, int64) error {
			if calls.Add(1) <= 100 { // more than there are places
				runtime.Goexit()
			}
			return nil
		}}, s)
		start := time.Now()
		for range 100 {
			if got, want := askPoliced(t, t.Context(), policed, checkedZip), "denied: the check failed: it ended the goroutine that called it"; got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the callers waited for %v", waited)
		}
		if got := askPoliced(t, t.Context(), policed, checkedZip); got != "zip of v1.0.0" {
			t.Errorf("got %q", got)
		}
		s.checkClosed(t)
	})
}
