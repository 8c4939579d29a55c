package breaker_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// listsVersions returns a source with a list of versions, and a channel that
// tells when it has been asked.
func listsVersions(name, list string) (upstream.Upstream, chan bool) {
	asked := make(chan bool, 1)
	return upstream.WithName(name, upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		asked <- true
		return &upstream.Response{Body: io.NopCloser(strings.NewReader(list)), Source: name}, nil
	})), asked
}

// A Prober finds out that a mirror's lists are behind, while nobody asks.
func ExampleNewProber() {
	proxy, asked := listsVersions("https://proxy.example", "v1.0.0\nv1.1.0\nv1.2.0\n")
	mirror, askedToo := listsVersions("https://mirror.example", "v1.0.0\n")

	prober, err := breaker.NewProber([]upstream.Upstream{proxy, mirror}, &breaker.ProbeOptions{Module: "example.com/m"})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-asked
	<-askedToo
	prober.Close() // a program keeps it for as long as it asks

	fmt.Println(prober.Missing(0))
	fmt.Println(prober.Missing(1))
	// Output:
	// 0 true
	// 2 true
}

// The best source comes first, with what is known of it.
func ExampleRank() {
	proxy, asked := listsVersions("https://proxy.example", "v1.0.0\n")
	mirror, askedToo := listsVersions("https://mirror.example", "v1.0.0\nv1.1.0\n")
	sources := []upstream.Upstream{
		upstream.Chain(proxy, breaker.Circuit(nil), upstream.Meter()),
		upstream.Chain(mirror, breaker.Circuit(nil), upstream.Meter()),
	}
	prober, err := breaker.NewProber(sources, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	<-asked
	<-askedToo
	prober.Close()

	for i, s := range breaker.Rank(sources, prober) {
		health := s.Health[upstream.SmallFiles]
		fmt.Printf("%d. %s is %v, and lacks %d versions\n", i+1, s.Source, health.State, s.Missing)
	}
	// Output:
	// 1. https://mirror.example is working, and lacks 0 versions
	// 2. https://proxy.example is working, and lacks 1 versions
}
