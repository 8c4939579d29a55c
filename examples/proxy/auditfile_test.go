package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/google/go-cmp/cmp"
)

// records reads an audit log.
func records(t *testing.T, file string) (all []audit.Record, broken int) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for r, err := range audit.Read(in) {
		if err != nil {
			broken++
			continue
		}
		all = append(all, r)
	}
	return all, broken
}

// The audit log goes on where it was left, also in the middle of a line.
func TestAuditLog(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, strings.Replace(source.URL, "://", "://ann:s3cret@", 1))
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	for range 2 {
		p := start(t, "-audit", file)
		fixture.NewGoCommand(t, p.url).Run(t, "mod", "download", "example.com/dep@v0.1.0")
		p.end(t)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), "s3cret") {
			t.Errorf("a secret is in\n%s", content)
		}
		// As if the program had been cut off.
		if err := os.WriteFile(file, append(content, `{"time":"2024-01-02T03:04:05Z","audit":{"deci`...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, broken := records(t, file)
	var got []string
	for _, r := range all {
		got = append(got, strings.Join([]string{r.Decision, r.Caller, r.Module, r.Version, r.Kind}, " "))
		if r.SHA256 == "" || r.Sent == 0 || !strings.Contains(r.Origin, "xxxxx@") {
			t.Errorf("%+v", r)
		}
	}
	want := []string{
		"allowed 127.0.0.1 example.com/dep v0.1.0 mod", "allowed 127.0.0.1 example.com/dep v0.1.0 zip",
		"allowed 127.0.0.1 example.com/dep v0.1.0 mod", "allowed 127.0.0.1 example.com/dep v0.1.0 zip",
	}
	if diff := cmp.Diff(want, got); diff != "" || broken != 2 {
		t.Errorf("%d broken lines (-want +got):\n%s", broken, diff)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A disk that is full costs records, of which the log tells once, and no downloads.
func TestAuditLogThatCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fixture.Settings(t, fixture.NewSource(t).URL)
	output := fixture.NewOutput()
	log := newLog(output, "text", 0)
	file := &auditFile{file: full, log: log}
	defer file.close()
	cfg := config{cache: t.TempDir()}
	settings, err := goSettings(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	client, err := newClient(cfg, settings, log)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server := httptest.NewServer(fetch.NewHandler(client, &fetch.HandlerOptions{Audit: file.record(), Logger: log}))
	defer server.Close()
	fixture.NewGoCommand(t, server.URL).Run(t, "mod", "download", "example.com/dep@v0.1.0")
	if got := strings.Count(output.String(), "the audit log cannot be written"); got != 1 {
		t.Errorf("told %d times\n%s", got, output)
	}
}

// What is no file cannot keep records, and a pipe that nobody reads would stop all.
func TestAuditLogIsAFile(t *testing.T) {
	fixture.Settings(t, "off")
	for _, name := range []string{os.DevNull, t.TempDir(), newPipe(t)} {
		wantOneLine(t, []string{"-listen", "localhost:0", "-cache", t.TempDir(), "-audit", name}, 1,
			"not a regular file, and downloads wait for their records: choose another file with -audit")
	}
}

// newPipe returns the name of a pipe that nobody reads, or of a directory where there
// are none.
func newPipe(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	if exec.Command("mkfifo", name).Run() != nil {
		return filepath.Dir(name)
	}
	return name
}

// A line that is only partly written is not glued to the next.
func TestAuditFileAfterACut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	var said strings.Builder
	file, err := config{audit: name}.openAudit(newLog(&said, "text", 0))
	if err != nil {
		t.Fatal(err)
	}
	defer file.close()
	file.cut = true // which a full disk leaves
	file.tell(errors.New("full"))
	file.Write([]byte("one\n"))
	file.Write([]byte("two\n"))
	if content, err := os.ReadFile(name); err != nil || string(content) != "\none\ntwo\n" {
		t.Errorf("%v, %q", err, content)
	}
	if got := said.String(); !strings.Contains(got, "is written again") || strings.Count(got, "\n") != 2 {
		t.Errorf("said\n%s", got)
	}
}
