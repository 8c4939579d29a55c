package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// patience is how long anything is waited for.
const patience = 30 * time.Second

// gaveUp is what is said of what took longer.
const gaveUp = "no answer in 30 s"

// A goClient is the real go command of somebody who has no module yet.
type goClient struct {
	home           string
	goproxy, sumdb string // GOPROXY and GOSUMDB
}

// download gets a module and compares it with what there is.
func (g goClient) download(ctx context.Context, m goModule) attempt {
	out, a := g.run(ctx, "mod", "download", "-json", m.path+"@"+moduleVersion)
	var got struct{ Error, Zip string }
	if err := json.Unmarshal(out, &got); err != nil || !a.Right {
		a.Right, a.Said = false, reason(a.Said, got.Error)
		return a
	}
	content, err := os.ReadFile(got.Zip)
	if a.Right = err == nil && bytes.Equal(content, m.zip); !a.Right {
		a.Said = "wrong bytes"
	}
	return a
}

// versions lists a module's versions and compares them with what there are.
func (g goClient) versions(ctx context.Context, m goModule) attempt {
	out, a := g.run(ctx, "list", "-m", "-versions", "-f", "{{.Versions}}", m.path)
	if !a.Right {
		a.Said = reason(a.Said, "")
		return a
	}
	if got := strings.TrimSpace(string(out)); got != "["+moduleVersion+"]" {
		a.Right, a.Said = false, "takes it for a module without versions"
	}
	return a
}

// run runs the go command. Where it fails, Said is its message.
func (g goClient) run(ctx context.Context, args ...string) ([]byte, attempt) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := newHome(g.home); err != nil {
		return nil, attempt{Said: err.Error()}
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(g.home, "work")
	cmd.Env = append(cleanEnv(g.home), "GOPROXY="+g.goproxy, "GOSUMDB="+g.sumdb)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begun := time.Now()
	err := cmd.Run()
	a := attempt{Right: err == nil, Seconds: time.Since(begun).Seconds()}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		a.Said = gaveUp
	case err != nil:
		a.Said = stderr.String()
		if a.Said == "" && stdout.Len() == 0 {
			a.Said = err.Error()
		}
	}
	return stdout.Bytes(), a
}

var statusLine = regexp.MustCompile(`: (\d{3}) [A-Z][A-Za-z ]*`)

// phrases are the go command's words for what went wrong, and ours where they are shorter.
var phrases = []struct{ theirs, ours string }{
	{"SECURITY ERROR", "checksum mismatch"},
	{"checksum mismatch", "checksum mismatch"},
	{"connection refused", "connection refused"},
	{"unexpected EOF", "broken off"},
	{"connection reset", "broken off"},
	{"no such host", "no such host"},
	{"no matching versions", "no versions"},
}

// reason makes a few words of the go command's messages, for people to read. The status of
// an answer goes before everything else.
func reason(messages ...string) string {
	if slices.Contains(messages, gaveUp) {
		return gaveUp
	}
	text := strings.Join(messages, "\n")
	if status := statusLine.FindStringSubmatch(text); status != nil {
		return status[1]
	}
	for _, p := range phrases {
		if strings.Contains(text, p.theirs) {
			return p.ours
		}
	}
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-80):]
}
