// Command modget gets Go modules through bad weather on the command line: it
// wraps the library as a company's own tool would.
//
//	go install ./examples/modget                  # in a clone
//	modget download golang.org/x/mod@latest       # to GOMODCACHE
//	modget warm go.sum                            # to the cache alone, for later
//	modget list golang.org/x/mod
//	modget query golang.org/x/mod@v0.20
//	modget verify                                 # what the cache holds, against the checksum database
//	modget bundle export modules.tar.gz go.sum    # for those who have no network
//	modget bundle import modules.tar.gz
//	modget mirrors                                # which source is fast, complete, right
//	modget doctor                                 # what is wrong, in plain words
//	modget env https://proxy.example              # the "go env -w" lines for a proxy
//	modget completion bash                        # also zsh, fish, powershell
//
// Sources, private modules and the checksum database are those of the user's go
// settings. "modget help COMMAND" says what each takes; flags may be written
// with one dash, as the go command's are.
//
// Results go to standard output, everything else to standard error. On a terminal
// downloads show bars; in a pipe, a log of CI, or with -progress=plain, there is a
// line for each module; with -json, an object for each. What ends a whole command is
// then an object on standard error:
//
//	{"type":"error","class":"not found","code":3,"text":"what failed, and what to do"}
//
// with the exit code, and a class as for modules, or "usage".
//
// # Exit codes
//
//	0    all is done
//	1    something on this machine failed: a file, the disk, the go command
//	2    the command line, or a file that it names, is wrong
//	3    a module or version does not exist
//	4    the sources could not be asked, or not in the time of -timeout; the same
//	     command goes on later
//	5    a source, a policy or the checksum database's silence denies it
//	6    bytes are not what the checksum database or the go.sum says
//	130  interrupted
//
// Of several failures the code is that of the gravest: 1, then 6, 5, 3, 4. After an
// interruption, what was downloaded stays, and the same command goes on from there.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/breakwater-go/breakwater/examples/modget/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(cli.Run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
