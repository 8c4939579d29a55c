package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// A program is this one, running until the test ends.
type program struct {
	url, file string
	output    *fixture.Output
}

func start(t *testing.T, content string, every time.Duration) *program {
	t.Helper()
	fixture.Settings(t, "off")
	p := &program{file: filepath.Join(t.TempDir(), "sources.json")}
	p.write(t, content)
	running := fixture.Start(t, func(ctx context.Context, output io.Writer) error {
		return run(ctx, "localhost:0", p.file, every, output)
	})
	p.output = running.Output
	p.url = p.output.After(t, "serving ")
	return p
}

// write replaces the file, as editors do.
func (p *program) write(t *testing.T, content string) {
	t.Helper()
	beside := p.file + ".new"
	if err := os.WriteFile(beside, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(beside, p.file); err != nil {
		t.Fatal(err)
	}
}

func sources(list string) string { return fmt.Sprintf("{\"sources\": %q}", list) }

// What the file says counts for requests from then on, and a download that is under
// way comes from the source that it was begun with.
func TestChange(t *testing.T) {
	before, after := fixture.NewSource(t), fixture.NewSource(t)
	p := start(t, sources(before.URL), time.Millisecond)
	arrived, release := before.Hold(t, fixture.LargeZip)
	underWay := make(chan string, 1)
	go func() {
		resp, err := http.Get(p.url + "/" + fixture.LargeZip)
		if err != nil {
			underWay <- err.Error()
			return
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		underWay <- fmt.Sprintf("%s, whole: %t, %v", resp.Status, n >= fixture.LargeSize, err)
	}()
	<-arrived
	p.write(t, sources(after.URL))
	if got := p.output.After(t, "from now on: "); got != after.URL {
		t.Errorf("from now on: %s", got)
	}
	asked := len(before.Asked())
	fixture.NewGoCommand(t, p.url).Run(t, "mod", "download", "example.com/hello@v1.1.0")
	if again := before.Asked()[asked:]; len(again) > 0 {
		t.Errorf("the source before was asked for %v", again)
	}
	release()
	if got, want := <-underWay, "200 OK, whole: true, <nil>"; got != want {
		t.Errorf("the download under way: %s, want %s", got, want)
	}
}

// A file that is of no use changes nothing, and one that is right again counts.
func TestMistakeInTheFile(t *testing.T) {
	source, next := fixture.NewSource(t), fixture.NewSource(t)
	p := start(t, sources(source.URL), time.Millisecond)
	p.write(t, `{"sources": "https://proxy.exam`)
	if got := p.output.After(t, "the old sources stay: "); !strings.Contains(got, p.file) {
		t.Errorf("the file is not named: %s", got)
	}
	fixture.NewGoCommand(t, p.url).Run(t, "mod", "download", "example.com/hello@v1.1.0")
	p.write(t, sources(next.URL))
	if got := p.output.After(t, "from now on: "); got != next.URL {
		t.Errorf("from now on: %s", got)
	}
	if n := strings.Count(p.output.String(), "the old sources stay"); n != 1 {
		t.Errorf("told %d times:\n%s", n, p.output)
	}
}

func TestPrivateModulesHaveASourceOfTheirOwn(t *testing.T) {
	public, private := fixture.NewSource(t), fixture.NewSource(t)
	p := start(t, fmt.Sprintf(`{"sources": %q, "private": [{"patterns": "example.com/hello", "source": %q}]}`, public.URL, private.URL), time.Hour)
	if resp, body := fixture.Get(t, http.DefaultClient, p.url+"/example.com/hello/@v/list"); resp.StatusCode != http.StatusOK {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
	if asked := public.Asked(); len(asked) > 0 {
		t.Errorf("the public source was asked for %v", asked)
	}
}

// "direct" is version control, here as in GOPROXY. It is asked without the network,
// because GOVCS forbids what it would use.
func TestDirectIsVersionControl(t *testing.T) {
	t.Setenv("GOVCS", "*:off")
	for name, config := range map[string]string{
		"sources": sources("direct"),
		"private": `{"sources": "off", "private": [{"patterns": "github.com/example", "source": "direct"}]}`,
	} {
		p := start(t, config, time.Hour)
		if resp, body := fixture.Get(t, http.DefaultClient, p.url+"/github.com/example/hello/@v/v1.0.0.info"); !strings.Contains(body, "GOVCS") {
			t.Errorf("%s: status %d, want GOVCS in the reason: %s", name, resp.StatusCode, body)
		}
	}
}

// Connections of strangers have bounds, of which this is the quickest to see.
func TestServerHasBounds(t *testing.T) {
	p := start(t, sources("off"), time.Hour)
	if resp, _ := fixture.Get(t, http.DefaultClient, p.url+"/example.com/hello/@v/list?"+strings.Repeat("x", 300)); resp.StatusCode != http.StatusRequestURITooLong {
		t.Errorf("status %d, want 414 for a query that nobody needs", resp.StatusCode)
	}
}

func TestMistakesAtTheStart(t *testing.T) {
	fixture.Settings(t, "off")
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Patience) // for what is no mistake to the program
	defer cancel()
	for _, tt := range []struct {
		name, content, want string
	}{
		{"no file", "", "no such file"},
		{"not JSON", "sources", "sources.json: invalid character"},
		{"cut short", `{"sources": "https://proxy.exam`, "unexpected EOF: write it as"},
		{"a name that is mistyped", `{"sources": "https://proxy.example", "privat": []}`, `unknown field "privat"`},
		{"in two parts", sources("https://proxy.example") + ` {"private": [{"patterns": "corp.example", "source": "off"}]}`, "more behind the configuration"},
		{"no sources", `{}`, "sources.json: GOPROXY"},
		{"not a list", sources("nonsense"), "sources.json: GOPROXY"},
		{"no private source", `{"sources": "off", "private": [{"patterns": "corp.example"}]}`, "private corp.example: "},
		{"patterns that match nothing", `{"sources": "off", "private": [{"patterns": "https://corp.example", "source": "off"}]}`, "https://corp.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "sources.json")
			if tt.content != "" {
				if err := os.WriteFile(file, []byte(tt.content), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			err := run(ctx, "localhost:0", file, time.Hour, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
