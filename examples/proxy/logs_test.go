package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

func TestAccessLog(t *testing.T) {
	fixture.Settings(t, fixture.NewSource(t).URL)
	for _, format := range []string{"off", "text", "json"} {
		t.Run(format, func(t *testing.T) {
			p := start(t, "-access-log", format, "-log-level", "error")
			fixture.Get(t, http.DefaultClient, p.url+"/example.com/dep/@v/list?token=s3cret")
			fixture.Get(t, http.DefaultClient, p.url+"/example.com/absent/@v/list")
			fixture.Get(t, http.DefaultClient, p.url+"/example.com/%0Aforged/@v/list")
			fixture.Get(t, http.DefaultClient, p.url+"/healthz") // is none of the protocol
			p.end(t)
			text := p.stdout.String()
			want := map[string]int{"off": 0, "text": 3, "json": 3}[format]
			if got := strings.Count(text, "\n"); got != want || strings.Contains(text, "s3cret") {
				t.Errorf("%d lines, want %d:\n%s", got, want, text)
			}
			if want == 0 {
				return
			}
			first, _, _ := strings.Cut(text, "\n")
			for _, part := range map[string][]string{
				"text": {"msg=access method=GET path=/example.com/dep/@v/list status=200", "outcome=miss", "caller=127.0.0.1"},
				"json": {`"msg":"access","method":"GET","path":"/example.com/dep/@v/list","status":200`, `"outcome":"miss"`},
			}[format] {
				if !strings.Contains(first, part) {
					t.Errorf("%q is not in %s", part, first)
				}
			}
			if format == "json" {
				wantJSONLines(t, text)
			}
		})
	}
}

func wantJSONLines(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var object struct {
			Time, Level, Msg string
		}
		if err := json.Unmarshal([]byte(line), &object); err != nil || object.Time == "" || object.Level == "" || object.Msg == "" {
			t.Errorf("%v: %s", err, line)
		}
	}
}

// Where the log is JSON, all that the program says is.
func TestLogFormat(t *testing.T) {
	fixture.Settings(t, "off")
	output := fixture.NewOutput()
	for _, args := range [][]string{
		{"-log-format", "json", "-listen", "192.0.2.1:0"},
		{"-log-format", "json", "-cache", filepath.Join(os.DevNull, "below")},
	} {
		if code := run(t.Context(), append([]string{"-listen", "localhost:0", "-cache", t.TempDir()}, args...), output, output); code != 1 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	if got := strings.Count(output.String(), `"level":"ERROR"`); got != 2 || strings.Count(output.String(), "\n") != 2 {
		t.Errorf("%d lines that say what went wrong:\n%s", got, output)
	}
	wantJSONLines(t, output.String())
}

func TestLogFormatWhileServing(t *testing.T) {
	fixture.Settings(t, "off")
	p := begin(t, "-log-format", "json")
	p.output.After(t, `{"time":`)
	p.end(t)
	text := p.output.String()
	wantJSONLines(t, text)
	for _, said := range []string{`"msg":"serving http://localhost:`, "for operators: http://localhost:", "finishing what is under way"} {
		if !strings.Contains(text, said) {
			t.Errorf("%q is not in\n%s", said, text)
		}
	}
}

func TestLogLevel(t *testing.T) {
	fixture.Settings(t, "off")
	for level, want := range map[string]bool{"info": true, "warn": false} {
		p := start(t, "-log-level", level, "-offline")
		fixture.Get(t, http.DefaultClient, p.url+"/example.com/dep/@v/list")
		p.end(t)
		if got := strings.Contains(p.output.String(), "request failed"); got != want {
			t.Errorf("%s: %v\n%s", level, got, p.output)
		}
	}
}
