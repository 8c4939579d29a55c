package fetch_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// What a policy costs on top of a Fetcher that has everything at hand.
func BenchmarkPolicy(b *testing.B) {
	const path = "example.com/m"
	s := &shelf{}
	for i := range 500 {
		s.add(path, fmt.Sprintf("v1.%d.%d", i/10, i%10), 99*day)
	}
	full := fetch.Policy{
		Rules: []fetch.Rule{
			{Patterns: "example.org/*", Reason: "no"}, {Patterns: path, Versions: "v1.3.1", Reason: "no"},
		},
		Cooldown: 7 * day, MaxZipSize: 1 << 20,
		Check:      func(context.Context, module.Version, io.ReaderAt, int64) error { return nil },
		OnDecision: func(context.Context, fetch.Decision) {},
	}
	policed, err := full.Wrap(s)
	if err != nil {
		b.Fatal(err)
	}
	defer policed.Close()
	fetchers := []struct {
		name string
		f    fetch.Fetcher
	}{{"none", s}, {"policy", policed}}
	for _, kind := range []string{"v1.4.0.mod", "v1.4.0.zip", "list"} {
		req, err := upstream.ParsePath("/" + path + "/@v/" + kind)
		if err != nil {
			b.Fatal(err)
		}
		for _, one := range fetchers {
			b.Run(req.Kind().String()+"/"+one.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.asked = nil
					resp, err := one.f.Fetch(b.Context(), req)
					if err != nil {
						b.Fatal(err)
					}
					resp.Body.Close()
				}
			})
		}
	}
}
