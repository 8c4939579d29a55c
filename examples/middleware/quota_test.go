package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/upstreamtest"
	"github.com/google/go-cmp/cmp"
)

// A bubble's clock begins at midnight in UTC.
func TestQuotaIsForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := upstream.WithName("source", upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
			return &upstream.Response{Body: io.NopCloser(strings.NewReader("v1.0.0\n")), Source: "source"}, nil
		}))
		list := upstream.Wrap(source, new(quotas).around(10))
		req, err := upstream.NewRequest(upstream.List, "example.com/hello", "")
		if err != nil {
			t.Fatal(err)
		}
		ask := func() string {
			_, err := upstream.ReadAll(t.Context(), list, req)
			if err == nil {
				return "answered"
			}
			e := upstream.AsError(err, req, "")
			return e.Class.String() + ", come again in " + e.RetryAfter.String()
		}
		var got []string
		for _, pause := range []time.Duration{0, 0, time.Hour, 22 * time.Hour, time.Hour} {
			time.Sleep(pause)
			got = append(got, ask())
		}
		want := []string{
			"answered", // 7 bytes
			"answered", // 14: nobody knew before how many there would be
			"overloaded, come again in 23h0m0s",
			"overloaded, come again in 1h0m0s",
			"answered", // the next day
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}

func TestQuotaKeepsThePromisesOfASource(t *testing.T) {
	tree := fixture.NewTree(t)
	want := map[string]string{}
	for _, key := range []string{"example.com/hello/@v/list", "example.com/hello/@v/v1.1.0.info", "example.com/hello/@v/v1.1.0.zip"} {
		data, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(key)))
		if err != nil {
			t.Fatal(err)
		}
		want[key] = string(data)
	}
	if err := upstreamtest.Test(new(quotas).around(1<<40)(upstream.Dir(tree)), want); err != nil {
		t.Error(err)
	}
}

// A Client knows the sources behind the quotas: by their names, and "direct" as
// what it is, which is never asked beside another.
func TestUnwrap(t *testing.T) {
	fixture.Settings(t, "off")
	list, err := upstream.NewGOPROXY("https://proxy.example|direct", nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := fetch.New(&fetch.Options{Upstream: upstream.Wrap(list, new(quotas).around(1))})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if diff := cmp.Diff([]string{"https://proxy.example", "direct"}, client.Sources()); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}
