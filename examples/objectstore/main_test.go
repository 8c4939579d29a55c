package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// start runs the program on a free port until the test ends and returns its URL.
func start(t *testing.T, bucket, private string) string {
	t.Helper()
	program := fixture.Start(t, func(ctx context.Context, output io.Writer) error {
		return run(ctx, "localhost:0", bucket, private, output)
	})
	return program.Output.After(t, "serving ")
}

// The private module comes from the bucket and what it needs from the public
// source, which does not learn of the private one.
func TestGoCommand(t *testing.T) {
	public, bucket := fixture.NewSource(t), newStore(t)
	fixture.Settings(t, public.URL)
	goCommand := fixture.NewGoCommand(t, start(t, bucket.url, "example.com/hello"))
	goCommand.Run(t, "get", "example.com/hello@v1.1.0")
	goCommand.Run(t, "mod", "download", "all")
	if got, want := goCommand.Extracted(t, "example.com/hello@v1.1.0", "greet/greet.go"), "package greet\n"; got != want {
		t.Errorf("greet.go is %q, want %q", got, want)
	}
	asked := strings.Join(public.Asked(), "\n")
	if strings.Contains(asked, "hello") || !strings.Contains(asked, "/example.com/dep/@v/v0.1.0.zip") {
		t.Errorf("the public source was asked for\n%s", asked)
	}
}

// While the bucket cannot be had, the public source is not asked in its place, and
// nothing of it reads as absence.
func TestBucketIsOut(t *testing.T) {
	public, bucket := fixture.NewSource(t), newStore(t)
	fixture.Settings(t, public.URL)
	bucket.refuse("SlowDown")
	goCommand := fixture.NewGoCommand(t, start(t, bucket.url, "example.com/hello"))
	_, stderr, err := goCommand.Try(t, "mod", "download", "example.com/hello@v1.1.0")
	if err == nil || !strings.Contains(stderr, "502 Bad Gateway") || !strings.Contains(stderr, "SlowDown") {
		t.Errorf("%v, and the go command says\n%s", err, stderr)
	}
	if asked := public.Asked(); len(asked) > 0 {
		t.Errorf("the public source was asked for %v", asked)
	}
}

func TestMistakes(t *testing.T) {
	fixture.Settings(t, "off")
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Patience) // for what is no mistake to the program
	defer cancel()
	for _, tt := range []struct{ name, bucket, private, want string }{
		{"no private modules", "https://s3.example/modules", "", "-private: "},
		{"a URL for a pattern", "https://s3.example/modules", "https://corp.example", "-private: "},
		{"no bucket", "", "corp.example", "-bucket: "},
		{"no URL", "modules", "corp.example", "-bucket: "},
		{"another scheme", "s3://modules", "corp.example", "-bucket: "},
		{"credentials", "https://key:secret@s3.example/modules", "corp.example", "-bucket: "},
		{"presigned", "https://s3.example/modules?X-Amz-Signature=secret", "corp.example", "-bucket: "},
		{"a query that would swallow the keys", "https://s3.example/modules?", "corp.example", "-bucket: "},
		{"a fragment that would", "https://s3.example/modules#go", "corp.example", "-bucket: "},
		{"a control character", "https://secret\x7f@s3.example", "corp.example", "-bucket: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := run(ctx, "localhost:0", tt.bucket, tt.private, io.Discard)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
