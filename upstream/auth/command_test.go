package auth_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
	"github.com/google/go-cmp/cmp"
)

// script returns a GOAUTH command that runs a shell script. The script notes
// its runs, by their arguments, in the file that runs reads.
func script(t testing.TB, content string) (goauth, notes string) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no shell")
	}
	dir := t.TempDir()
	notes = filepath.Join(dir, "notes")
	write(t, filepath.Join(dir, "cmd"), `echo "run $1" >> `+notes+"\n"+content)
	return "sh " + filepath.Join(dir, "cmd"), notes
}

func runs(t testing.TB, notes string) []string {
	t.Helper()
	data, err := os.ReadFile(notes)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

func fresh(token string) string {
	return `printf 'https://proxy.example\n\nAuthorization: ` + token + `\n\n'` + "\n"
}

func TestCommandRunsAreFew(t *testing.T) {
	goauth, notes := script(t, `token=first; test -n "$1" && token=second; `+fresh(`'"$token"'`))
	c := must(t)(auth.New(goauth, nil))
	const list, zip, other = "https://proxy.example/a/@v/list", "https://proxy.example/a/@v/v1.0.0.zip", "https://proxy.example/b/@v/list"
	for range 3 {
		if got := authorization(t, c, list); got != "first" {
			t.Errorf("sent %q", got)
		}
	}
	if got := refresh(t, c, list, "first"); got != "second" {
		t.Errorf("after a refusal sent %q", got)
	}
	if got := refresh(t, c, zip, "first"); got != "second" { // it is known by now
		t.Errorf("after a refusal sent %q", got)
	}
	if got := refresh(t, c, zip, "second"); got != "" { // of the module that was just asked about
		t.Errorf("after a second refusal sent %q", got)
	}
	if got := refresh(t, c, "https://proxy.example/c/@latest", "first"); got != "second" { // it need not be asked about, either
		t.Errorf("after a refusal sent %q", got)
	}
	if got := refresh(t, c, other, "second"); got != "" {
		t.Errorf("after a refusal of another module sent %q", got)
	}
	if diff := cmp.Diff([]string{"run", "run " + list, "run " + other}, runs(t, notes)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestCommandRunsOnceForAll(t *testing.T) {
	goauth, notes := script(t, `sleep 0.1; token=first; test -n "$1" && token=second; `+fresh(`'"$token"'`))
	c := must(t)(auth.New(goauth, nil))
	const at = "https://proxy.example/a/@v/list"
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got := authorization(t, c, at); got != "first" && got != "second" {
				t.Errorf("sent %q", got)
			}
			if got := refresh(t, c, at, "first"); got != "second" {
				t.Errorf("after a refusal sent %q", got)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff([]string{"run", "run " + at}, runs(t, notes)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// What was learned of one URL does not replace what is known of others.
func TestCommandLearns(t *testing.T) {
	goauth, _ := script(t, `test -z "$1" || { printf 'https://proxy.example/b\n\nAuthorization: there\n\n'; exit; }`+"\n"+fresh("here"))
	c := must(t)(auth.New(goauth, nil))
	const here, there = "https://proxy.example/a", "https://proxy.example/b"
	if got := authorization(t, c, there); got != "here" {
		t.Errorf("at first sent %q", got)
	}
	if got := refresh(t, c, there, "here"); got != "there" {
		t.Errorf("after a refusal sent %q", got)
	}
	for at, want := range map[string]string{here: "here", there: "there"} {
		if got := authorization(t, c, at); got != want {
			t.Errorf("%s: sent %q, want %q", at, got, want)
		}
	}
}

func TestCommandIsRunAgain(t *testing.T) {
	const at = "https://proxy.example/a/@v/list"
	tests := []struct {
		name, content string
		wait          time.Duration
		want          []string
	}{
		{"it failed a moment ago", "exit 1", 9 * time.Second, []string{"run", "run " + at}},
		{"it failed, and refused again", "exit 1", 10 * time.Second, []string{"run", "run " + at, "run " + at}},
		{"it failed a while ago", "exit 1", time.Minute, []string{"run", "run " + at, "run", "run " + at}},
		{"it had something to say", fresh("first"), time.Hour, []string{"run", "run " + at, "run " + at}},
		{"it had nothing to say", "exit 0", time.Hour, []string{"run", "run " + at, "run " + at}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			goauth, notes := script(t, test.content)
			synctest.Test(t, func(t *testing.T) {
				c := must(t)(auth.New(goauth, &auth.Options{Timeout: -1}))
				for range 2 {
					sent := authorization(t, c, at)
					refresh(t, c, at, sent)
					time.Sleep(test.wait)
				}
			})
			if diff := cmp.Diff(test.want, runs(t, notes)); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
		})
	}
}

// A command that fails is run again neither for every request nor for every
// refusal, but its failure is told.
func TestCommandThatFails(t *testing.T) {
	goauth, notes := script(t, "echo hunter2 >&2; echo hunter2; exit 3")
	var stderr bytes.Buffer
	c := must(t)(auth.New(goauth+" --password=hunter2", &auth.Options{Stderr: &stderr}))
	const at = "https://proxy.example/a/@v/list"
	for range 3 {
		if got := authorization(t, c, at); got != "" {
			t.Errorf("sent %q", got)
		}
		if got, want := refresh(t, c, at, ""), "error: GOAUTH command sh: exit status 3"; got != want {
			t.Errorf("after a refusal %q, want %q", got, want)
		}
	}
	if diff := cmp.Diff([]string{"run --password=hunter2", "run --password=hunter2"}, runs(t, notes)); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if stderr.String() != "hunter2\nhunter2\n" {
		t.Errorf("on standard error: %q", stderr.String())
	}
}

// One way to credentials that fails leaves the others.
func TestCommandBesideBrokenNetrc(t *testing.T) {
	goauth, _ := script(t, fresh("good"))
	c := must(t)(auth.New("netrc;"+goauth, &auth.Options{Netrc: t.TempDir()}))
	if got := authorization(t, c, "https://proxy.example/a"); got != "good" {
		t.Errorf("sent %q", got)
	}
	if got := authorization(t, c, "https://other.example/a"); !contains(got, "error: netrc: ") {
		t.Errorf("sent %q to another", got)
	}
}

func TestCommandOutputRefused(t *testing.T) {
	tests := []struct{ name, print, says string }{
		{"no empty line", `printf 'https://proxy.example\nAuthorization: hunter2\n'`, "sh: its output: block 1: there is no empty line after the URLs"},
		{"not a URL", `printf 'hunter2\n\n\n'`, "block 1: a URL cannot be read"},
		{"header cut", `printf 'https://proxy.example\n\nAuthorization: hunter2\n'`, "block 1: there is no empty line after the header"},
		{"control character", `printf 'https://proxy.example\n\nAuthorization: \033hunter2\n\n'`, "block 1: a header line is not"},
		{"second block", `printf 'https://proxy.example\n\n\nhttps://x.example\n\nhunter2\n\n'`, "block 2: a header line is not"},
		{"too much", `yes hunter2`, "sh: it printed more than"},
		{"too many", `seq -f 'https://x%.0f.example' 5000; printf '\nA: hunter2\n\n'`, "more than 4096 URLs"},
	}
	for _, test := range tests {
		goauth, _ := script(t, test.print)
		c := must(t)(auth.New(goauth, nil))
		if got := refresh(t, c, "https://proxy.example/a", ""); !contains(got, "error: GOAUTH command sh: ") || !contains(got, test.says) || contains(got, "hunter2") {
			t.Errorf("%s: %q, want %q in it", test.name, got, test.says)
		}
	}
}

// Neither the program nor what it has started outlives its time, or its caller.
func TestCommandIsKilled(t *testing.T) {
	goauth, notes := script(t, `sleep 1000 & echo "child $!" >> "$NOTES"; wait`)
	tests := []struct {
		name    string
		timeout time.Duration
		ctx     func() (context.Context, context.CancelFunc)
		want    string
	}{
		{"timeout", 100 * time.Millisecond, func() (context.Context, context.CancelFunc) { return t.Context(), func() {} }, "GOAUTH command sh: it did not end in time"},
		{"caller", 0, func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(t.Context(), 100*time.Millisecond)
		}, "context deadline exceeded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			os.Remove(notes)
			c := must(t)(auth.New(goauth, &auth.Options{Timeout: test.timeout, Env: append(os.Environ(), "NOTES="+notes)}))
			ctx, cancel := test.ctx()
			defer cancel()
			_, err := c.(upstream.CredentialsRefresher).Refresh(ctx, parseURL(t, "https://proxy.example"), nil, &http.Response{StatusCode: 401})
			if err == nil || err.Error() != test.want {
				t.Errorf("error is %v, want %s", err, test.want)
			}
			for _, line := range runs(t, notes) {
				if pid, found := strings.CutPrefix(line, "child "); found {
					waitGone(t, pid)
				}
			}
		})
	}
}

func TestCommandLeavesAProcess(t *testing.T) {
	goauth, notes := script(t, `sleep 1000 & echo "child $!" >> "$NOTES"`)
	c := must(t)(auth.New(goauth, &auth.Options{Timeout: -1, Env: append(os.Environ(), "NOTES="+notes)}))
	_, err := c.(upstream.CredentialsRefresher).Refresh(t.Context(), parseURL(t, "https://proxy.example"), nil, &http.Response{StatusCode: 401})
	if !errors.Is(err, exec.ErrWaitDelay) {
		t.Errorf("error is %v", err)
	}
	waitGone(t, strings.TrimPrefix(runs(t, notes)[1], "child "))
}

// A command whose URLs are more and more is not remembered for ever.
func TestCommandIsForgotten(t *testing.T) {
	goauth, _ := script(t, `test -n "$1" && { printf 'https://new.example\n\nAuthorization: new\n\n'; exit; }
		seq -f 'https://x%.0f.example' 4096; printf '\nAuthorization: old\n\n'`)
	c := must(t)(auth.New(goauth, nil))
	if got := authorization(t, c, "https://x4096.example"); got != "old" {
		t.Errorf("sent %q", got)
	}
	if got := refresh(t, c, "https://new.example", ""); got != "new" {
		t.Errorf("after a refusal sent %q", got)
	}
	if got := authorization(t, c, "https://x4096.example"); got != "" {
		t.Errorf("of the first it still sends %q", got)
	}
}

// waitGone waits for a process that was killed but may not be reaped yet.
func waitGone(t testing.TB, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(n)
	if err != nil {
		return
	}
	for t.Context().Err() == nil {
		if err := process.Signal(syscall.Signal(0)); err != nil || isZombie(pid) {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("process %s lives on", pid)
}

func isZombie(pid string) bool {
	data, _ := os.ReadFile("/proc/" + pid + "/stat")
	return strings.Contains(string(data), ") Z ")
}

// One caller who goes away does not take the command away from the others.
func TestCommandSurvivesACaller(t *testing.T) {
	goauth, notes := script(t, `while test -e "$HOLD"; do sleep 0.01; done; `+fresh("first"))
	hold := filepath.Join(t.TempDir(), "hold")
	write(t, hold, "")
	c := must(t)(auth.New(goauth, &auth.Options{Env: append(os.Environ(), "HOLD="+hold)}))
	ctx, cancel := context.WithCancel(t.Context())
	u := parseURL(t, "https://proxy.example/a")
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.Header(ctx, u); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who left was told %v", err)
		}
	})
	for len(runs(t, notes)) == 0 {
		runtime.Gosched()
	}
	wg.Go(func() {
		if got := authorization(t, c, u.String()); got != "first" {
			t.Errorf("the caller who stayed was told %q", got)
		}
	})
	cancel()
	if err := os.Remove(hold); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

// What the parent's terminal or askpass program would be asked is a failure.
func TestGitDoesNotPrompt(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no git")
	}
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes")
	askpass := filepath.Join(dir, "askpass")
	write(t, askpass, "#!/bin/sh\necho asked >> "+notes+"\necho hunter2\n")
	if err := os.Chmod(askpass, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".git/config"), "")
	makeRepository(t, dir)
	c := must(t)(auth.New("git "+dir, &auth.Options{Env: append(environment(dir), "GIT_ASKPASS="+askpass, "SSH_ASKPASS="+askpass, "GIT_TERMINAL_PROMPT=1")}))
	if got := refresh(t, c, "https://proxy.example/a", ""); got != "" {
		t.Errorf("sent %q", got)
	}
	if lines := runs(t, notes); len(lines) != 0 {
		t.Errorf("it was asked %d times", len(lines))
	}
}

func TestGitThatGivesForSomethingElse(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no git")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".git/config"), "[credential]\nhelper = \"!f() { echo host=other.example; echo username=alice; echo password=hunter2; }; f\"\n")
	makeRepository(t, dir)
	c := must(t)(auth.New("git "+dir, &auth.Options{Env: environment(dir)}))
	if got, want := refresh(t, c, "https://proxy.example/a", ""), "error: git has given credentials for something else than proxy.example"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got := authorization(t, c, "https://other.example"); got != "" {
		t.Errorf("sent to the other: %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, goauth := range []string{
		" ", ";", "netrc;", "netrc;;netrc", "off;netrc", "netrc;off", "git", "git .", "git /nowhere/at/all", "git " + file, "git " + filepath.Dir(file) + " x",
		"no-such-program-anywhere --password=hunter2", file + " hunter2", `sh "hunter2`, `'sh hunter2`, `""`,
	} {
		c, err := auth.New(goauth, nil)
		if err == nil || c != nil {
			t.Errorf("%q is accepted", goauth)
		} else if contains(err.Error(), "hunter2") || !contains(err.Error(), "GOAUTH, command ") {
			t.Errorf("%q: error says %v", goauth, err)
		}
	}
	for _, goauth := range []string{"", "off", " off ", "netrc", " netrc ; netrc ", "git " + filepath.Dir(file)} {
		if _, err := auth.New(goauth, nil); err != nil {
			t.Errorf("%q: %v", goauth, err)
		}
	}
}
