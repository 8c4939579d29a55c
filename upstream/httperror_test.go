package upstream_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

func TestHTTPErrorText(t *testing.T) {
	const plain = "text/plain; charset=utf-8"
	tests := []struct{ name, contentType, body, want string }{
		{"plain", plain, "not found: a.b/c@v1.0.0: unknown revision\n", "not found: a.b/c@v1.0.0: unknown revision"},
		{"without charset", "text/plain", "no\n", "no"},
		{"in capitals", "Text/Plain", "no\n", "no"},
		{"letters of any script", plain, "größer 模块", "größer 模块"},
		{"empty", plain, "", ""},
		{"spaces", plain, " \t one \r\n\ttwo\n", "one\ntwo"},
		{"up to a blank line", plain, "one\ntwo\n\nthree", "one\ntwo"},
		{"eight lines", plain, strings.Repeat("x\n", 9), strings.TrimSpace(strings.Repeat("x\n", 8))},
		{"long", plain, strings.Repeat("x", 1<<20), strings.Repeat("x", 8*81)},
		{"long, cut inside a letter", plain, "x" + strings.Repeat("ü", 1000), "x" + strings.Repeat("ü", (8*81-1)/2)},
		{"html", "text/html; charset=utf-8", "<h1>no</h1>", ""},
		{"json", "application/json", `{"error":"no"}`, ""},
		{"unknown", "", "no", ""},
		{"not a type", ";;;", "no", ""},
		{"control characters", plain, "\x1b[2J\x1b[31mno", ""},
		{"direction override", plain, "no\u202eon", ""},
		{"NUL", plain, "no\x00", ""},
		{"not UTF-8", plain, "no\xff", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := over(t, "https://proxy.example", always(404, test.body, "Content-Type", test.contentType)).
				Fetch(t.Context(), request(t, "a.b/c/@latest"))
			if e := wantError(t, err, upstream.NotFound); e.Text != test.want || e.Status != 404 {
				t.Errorf("status %d, text %q, want %q", e.Status, e.Text, test.want)
			}
		})
	}
}

func TestHTTPRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now() // midnight UTC, 2000-01-01: http dates have whole seconds
		at := func(d time.Duration) string { return now.Add(d).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }
		tests := []struct {
			header string
			want   time.Duration
		}{
			{"", 0},
			{"0", 0},
			{"120", 2 * time.Minute},
			{"86401", 24 * time.Hour},
			{"2000000000", 24 * time.Hour},
			{at(90 * time.Second), 90 * time.Second},
			{at(-time.Hour), 0},
			{at(1000 * time.Hour), 24 * time.Hour},
			{"-5", 0},
			{"1.5", 0},
			{"soon", 0},
			{"99999999999999999999", 0},
			{"\x1b", 0},
		}
		for _, test := range tests {
			for _, status := range []int{429, 503} {
				_, err := over(t, "https://proxy.example", always(status, "", "Retry-After", test.header)).
					Fetch(t.Context(), request(t, "a.b/c/@latest"))
				if e := wantError(t, err, upstream.Unavailable); e.RetryAfter != test.want {
					t.Errorf("status %d, Retry-After %q: %v, want %v", status, test.header, e.RetryAfter, test.want)
				}
			}
		}
	})
}
