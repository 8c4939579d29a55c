package observability_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// A monitor is a real Prometheus.
type monitor struct {
	url   string
	scale scale
}

// startPrometheus has it scrape targets, whose instance label is the name in the map,
// by prometheus.yml and alerts.yml with durations divided.
func startPrometheus(t *testing.T, s scale, targets map[string]string) *monitor {
	t.Helper()
	dir := t.TempDir()
	config := regexp.MustCompile(`(?m)^\s*- targets: \["localhost:8081"\]\n`)
	text := readFile(t, "prometheus.yml")
	if len(config.FindAllString(text, -1)) != 1 {
		t.Fatal("prometheus.yml has not the one target that is replaced here")
	}
	var list strings.Builder
	for instance, address := range targets {
		fmt.Fprintf(&list, "      - targets: [%q]\n        labels: {instance: %q}\n", address, instance)
	}
	writeFile(t, filepath.Join(dir, "prometheus.yml"), s.file(t, config.ReplaceAllLiteralString(text, list.String())))
	writeFile(t, filepath.Join(dir, "alerts.yml"), s.file(t, readFile(t, "alerts.yml")))
	p := &monitor{"http://" + freeAddress(t), s}
	output := fixture.NewOutput()
	cmd := exec.Command(tool(t, "prometheus"),
		"--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+strings.TrimPrefix(p.url, "http://"))
	cmd.Stdout, cmd.Stderr = output, output
	keep(t, cmd, output)
	p.until(t, "Prometheus is ready", func() bool {
		resp, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// freeAddress returns one that nobody listens at, for a program that cannot tell
// which it was given.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// until waits for a state. The bound is far from what it takes, of which nothing is
// asserted.
func (p *monitor) until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second+30*time.Minute/time.Duration(p.scale))
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for !reached() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("not reached: %s", what)
		}
	}
	t.Logf("%s after %v", what, time.Since(begun).Round(100*time.Millisecond))
}

// ask has the HTTP API answer into result, a pointer.
func (p *monitor) ask(t *testing.T, path string, form url.Values, result any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path+"?"+form.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s %v: %v %s", path, form, err, answer.Error)
	}
	if err := json.Unmarshal(answer.Data, result); err != nil {
		t.Fatal(err)
	}
}

// firing returns the alerts that fire now, as "alert instance" or, of a source,
// "alert instance source", each once.
func (p *monitor) firing(t *testing.T) map[string]bool {
	t.Helper()
	var data struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	p.ask(t, "/api/v1/alerts", nil, &data)
	now := map[string]bool{}
	for _, a := range data.Alerts {
		if a.State == "firing" {
			now[strings.TrimSpace(a.Labels["alertname"]+" "+a.Labels["instance"]+" "+a.Labels["source"])] = true
		}
	}
	return now
}

// series returns how many there are in the answer to a query, and the value of the
// first.
func (p *monitor) series(t *testing.T, expr string) (n int, first string) {
	t.Helper()
	var data struct {
		Result []struct{ Value [2]any }
	}
	p.ask(t, "/api/v1/query", url.Values{"query": {expr}}, &data)
	if len(data.Result) > 0 {
		first = fmt.Sprint(data.Result[0].Value[1])
	}
	return len(data.Result), first
}
