// Command compare measures how module proxies fare when their sources are ill, each in
// the same way:
//
//	go run ./examples/compare [-peer 'NAME=COMMAND']... [-only REGEXP] [-quick] [-markdown | -json]
//
// There are two sources on the loopback interface, a primary and a mirror, which misbehave
// on purpose, and a checksum database of their own. In each scenario the real go command,
// with a module cache that is empty, downloads modules through a peer that has just been
// started, and what it got is compared byte by byte; where the go command would not show
// the difference, plain HTTP requests are sent. The time is the median of the rounds, and
// what is not there after 30 s counts as no answer. -quick plays one round, -only the
// scenarios whose name matches. The exit status is 0 whatever is measured, and 1 if it
// cannot be, for example because a peer does not start.
//
// Always there are the go command alone, which asks the sources itself, and Breakwater,
// built from this tree, with default options; both with each way to name two sources. Any
// other proxy is a -peer. Its COMMAND is split at spaces (there is no shell) and serves the
// module proxy protocol at {addr}. It has an empty directory, {dir}, for its cache, and in
// its environment what tells the go command where modules come from: GOPROXY={sources} and
// GOSUMDB={gosumdb}. What is in braces is also filled in within the COMMAND:
//
//	{addr}     where to serve, as HOST:PORT
//	{dir}      a directory of its own, which it finds again after a restart
//	{sources}  the sources with "|" between them: go on after any error
//	{comma}    the sources with "," between them: go on after "not found"
//	{gosumdb}  the checksum database as GOSUMDB names it: key and URL
//	{sumdb}    its name and its URL
//
// goproxy/goproxy, from go install github.com/goproxy/goproxy/cmd/goproxy@latest:
//
//	-peer 'goproxy=goproxy server --address {addr} --cacher-dir {dir}/cache --proxied-sumdbs={sumdb}'
//
// Athens, from go install github.com/gomods/athens/cmd/proxy@latest, which puts it in a
// file that is named proxy:
//
//	-peer 'athens=env ATHENS_PORT={addr} ATHENS_STORAGE_TYPE=disk ATHENS_DISK_STORAGE_ROOT={dir} ATHENS_NETWORK_MODE=fallback ATHENS_GO_BINARY_ENV_VARS=GOPROXY={sources};GOSUMDB={gosumdb} proxy'
//
// (That line is as the documentation of Athens has it.) A setting that a scenario depends
// on can be compared with another by naming a peer twice, as in
// 'goproxy with commas=env GOPROXY={comma} goproxy ...'.
//
// A peer has a process group of its own, which is ended with it; ^C ends all of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if served, err := serveIfAsked(ctx, os.Args[1:]); served {
		exit(err)
		return
	}
	err := run(ctx, os.Args[1:], os.Stdout)
	if ctx.Err() != nil {
		err = errors.New("interrupted; all peers have been ended")
	}
	exit(err)
}

// exit ends the program with status 1 if there is an error, which it prints.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}
