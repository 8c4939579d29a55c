package verify_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// origin is the source of a SumDB. What it answers may be changed at any time;
// it writes down what it is asked.
type origin struct {
	name   string
	mu     sync.Mutex
	answer func(ctx context.Context, resource string) ([]byte, error)
	asked  []string
	bytes  int
}

func (o *origin) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	o.mu.Lock()
	answer := o.answer
	o.asked = append(o.asked, req.Resource())
	o.mu.Unlock()
	data, err := answer(ctx, req.Resource())
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes += len(data)
	return &upstream.Response{Body: io.NopCloser(strings.NewReader(string(data))), Size: int64(len(data)), Source: o.name}, nil
}

// answers changes what o answers.
func (o *origin) answers(answer func(ctx context.Context, resource string) ([]byte, error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

// take returns what was asked since the last time, and how many bytes that was.
func (o *origin) take() (asked []string, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked, bytes = o.asked, o.bytes
	o.asked, o.bytes = nil, 0
	return asked, bytes
}

// wantAsked checks what was asked since the last time, in any order.
func (o *origin) wantAsked(t testing.TB, want ...string) {
	t.Helper()
	asked, _ := o.take()
	slices.Sort(asked)
	slices.Sort(want)
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// down is the answer of a source that cannot be reached.
func down(context.Context, string) ([]byte, error) {
	return nil, &upstream.Error{Status: 500, Err: errors.New("down")}
}

// changing answers as answer does, but for the resources that begin with prefix
// what change makes of it.
func changing(answer func(context.Context, string) ([]byte, error), prefix string, change func([]byte) []byte) func(context.Context, string) ([]byte, error) {
	return func(ctx context.Context, resource string) ([]byte, error) {
		data, err := answer(ctx, resource)
		if err == nil && strings.HasPrefix(resource, prefix) {
			data = change(data)
		}
		return data, err
	}
}
