package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A peer is what is measured: the go command alone, or a proxy.
type peer struct {
	name    string
	setting string   // what is special about it, for the legend
	command []string // with placeholders; nil: the go command alone
	list    string   // "{sources}" or "{comma}": what GOPROXY is, the proxy's or, without one, the client's

	// database is whether it answers for the checksum database; the clients of one that
	// does not ask the database itself, as the go command does of its own accord.
	database bool
}

// builtIn are the peers that are always there.
func builtIn() ([]*peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	breakwater := []string{self, serveCommand, "{addr}", "{dir}"}
	const alone, handler = "no proxy, GOPROXY=", "fetch.NewHandler in a process of its own, default options, GOPROXY="
	return []*peer{
		{name: "go command, a|b", list: "{sources}", setting: alone + "a|b, the primary and the mirror"},
		{name: "go command, a,b", list: "{comma}", setting: alone + "a,b"},
		{name: "breakwater, a|b", list: "{sources}", command: breakwater, setting: handler + "a|b"},
		{name: "breakwater, a,b", list: "{comma}", command: breakwater, setting: handler + "a,b"},
	}, nil
}

// parsePeer reads NAME=COMMAND.
func parsePeer(text string) (*peer, error) {
	name, command, ok := strings.Cut(text, "=")
	p := &peer{name: strings.TrimSpace(name), command: strings.Fields(command), list: "{sources}"}
	if !ok || p.name == "" || len(p.command) == 0 {
		return nil, errors.New("want NAME=COMMAND, such as 'goproxy=goproxy server --address {addr}'")
	}
	if !strings.Contains(command, "{addr}") {
		return nil, fmt.Errorf("the command of %s does not say where to serve: put {addr} where HOST:PORT belongs", p.name)
	}
	program, err := exec.LookPath(p.command[0])
	if err == nil {
		program, err = filepath.Abs(program) // it is run in another directory
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", p.name, err)
	}
	p.setting = shown(p.command)
	p.command[0] = program
	return p, nil
}

// shown is a command without the directories of this machine.
func shown(command []string) string {
	var words []string
	for _, arg := range command {
		if filepath.IsAbs(arg) {
			arg = filepath.Base(arg)
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// A place is what the placeholders in a peer's command stand for.
type place map[string]string

// fill returns text with the placeholders filled in.
func (p place) fill(text string) string {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		text = strings.ReplaceAll(text, "{"+name+"}", p[name])
	}
	return text
}

// start starts a proxy in its place and waits until it accepts connections.
func (p *peer) start(ctx context.Context, at place) (*process, error) {
	var argv []string
	for _, arg := range p.command {
		argv = append(argv, at.fill(arg))
	}
	env := append(cleanEnv(at["dir"]), "GOPROXY="+at.fill(p.list), "GOSUMDB="+at["gosumdb"])
	running, err := startProcess(ctx, argv, env, at["dir"], at["addr"])
	if err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", p.name, err)
	}
	return running, nil
}

// newHome makes a home directory for [cleanEnv]. The go command keeps no telemetry there:
// it would write that from a process that outlives it.
func newHome(home string) error {
	for _, dir := range []string{"tmp", "work", ".config/go/telemetry", "Library/Application Support/go/telemetry"} {
		dir = filepath.Join(home, filepath.FromSlash(dir))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if filepath.Base(dir) != "telemetry" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "mode"), []byte("off\n"), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// cleanEnv is an environment in which no setting of the user's is in force. Whatever is
// kept is below home.
func cleanEnv(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"TMPDIR=" + filepath.Join(home, "tmp"),
		"GOENV=off",
		"GOWORK=off",
		"GO111MODULE=on",
		"GOPATH=" + filepath.Join(home, "gopath"),
		"GOCACHE=" + filepath.Join(home, "gocache"),
		"GOTOOLCHAIN=local",
		"GOFLAGS=-modcacherw", // so that directories can be removed
		"GOVCS=*:off",
	}
}
