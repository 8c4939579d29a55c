package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// start runs the program on a free port until the test ends and returns its URL.
func start(t *testing.T, daily int64) string {
	t.Helper()
	program := fixture.Start(t, func(ctx context.Context, output io.Writer) error { return run(ctx, "localhost:0", daily, output) })
	return program.Output.After(t, "serving ")
}

// What uses up the near source's quota is still brought, and then the go command is
// served by the next source alone.
func TestGoCommandGoesOnToTheNextSource(t *testing.T) {
	near, far := fixture.NewSource(t), fixture.NewSource(t)
	far.Hold(t, fixture.LargeZip) // so that it does not win where it is asked beside
	fixture.Settings(t, near.URL+"|"+far.URL)
	url := start(t, fixture.LargeSize)
	goCommand := fixture.NewGoCommand(t, url)

	goCommand.Run(t, "mod", "download", "example.com/large@v1.0.0")
	asked := len(near.Asked())
	goCommand.Run(t, "mod", "download", "example.com/hello@v1.1.0")
	if again := near.Asked()[asked:]; len(again) > 0 {
		t.Errorf("the near source was asked for %v", again)
	}
	if len(far.Asked()) == 0 {
		t.Error("the far source was not asked")
	}
	_, page := fixture.Get(t, http.DefaultClient, url+"/quota")
	if lines := strings.Split(page, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], near.URL+": ") || !strings.HasPrefix(lines[1], far.URL+": ") {
		t.Errorf("the page is\n%s", page)
	}
}

// With no other source, what is cached is served, and the rest may be had another day.
func TestQuotaUsedUp(t *testing.T) {
	only := fixture.NewSource(t)
	fixture.Settings(t, only.URL)
	url := start(t, 1)
	for range 2 {
		if resp, body := fixture.Get(t, http.DefaultClient, url+"/example.com/hello/@v/v1.1.0.mod"); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d: %s", resp.StatusCode, body)
		}
	}
	resp, body := fixture.Get(t, http.DefaultClient, url+"/example.com/hello/@v/v1.1.0.zip")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "used up") {
		t.Errorf("status %d, Retry-After %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), body)
	}
	if n := len(only.Asked()); n != 1 {
		t.Errorf("the source was asked for %v", only.Asked())
	}
}

// The last source of the default GOPROXY is version control. It is asked without the
// network, because GOVCS forbids what it would use.
func TestDirectIsVersionControl(t *testing.T) {
	only := fixture.NewSource(t)
	fixture.Settings(t, only.URL+",direct")
	t.Setenv("GOVCS", "*:off")
	if resp, body := fixture.Get(t, http.DefaultClient, start(t, 1<<20)+"/github.com/example/hello/@v/v1.0.0.info"); !strings.Contains(body, "GOVCS") {
		t.Errorf("status %d, want GOVCS in the reason: %s", resp.StatusCode, body)
	}
}

// Where there is no git, all other sources are as good as ever.
func TestNoVersionControl(t *testing.T) {
	only := fixture.NewSource(t)
	fixture.Settings(t, only.URL+",direct")
	t.Setenv("PATH", t.TempDir())
	if resp, body := fixture.Get(t, http.DefaultClient, start(t, 1<<20)+"/example.com/hello/@v/list"); resp.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

// Connections of strangers have bounds, of which this is the quickest to see.
func TestServerHasBounds(t *testing.T) {
	fixture.Settings(t, fixture.NewSource(t).URL)
	if resp, _ := fixture.Get(t, http.DefaultClient, start(t, 1<<20)+"/example.com/hello/@v/list?"+strings.Repeat("x", 300)); resp.StatusCode != http.StatusRequestURITooLong {
		t.Errorf("status %d, want 414 for a query that nobody needs", resp.StatusCode)
	}
}

func TestMistakes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Patience) // for what is no mistake to the program
	defer cancel()
	for _, tt := range []struct {
		name, goproxy, address string
		daily                  int64
		want                   string
	}{
		{"no quota", "off", "localhost:0", 0, "-daily: "},
		{"not a list", "nonsense", "localhost:0", 1, "nonsense"},
		{"not an address", "off", "localhost:nonsense", 1, "nonsense"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fixture.Settings(t, tt.goproxy)
			if err := run(ctx, tt.address, tt.daily, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
