// Command speed measures what Breakwater promises about its speed, each promise beside
// its physical limit in the same run:
//
//	go run ./examples/speed [-check] [-quick] [-rounds N] [-only REGEXP] [-out FILE] [-cpuprofile DIR]
//
// It prints a line for each promise: what we need and what the limit needs (medians of
// the rounds), the ratio of the two (the median and the quartiles of the rounds'
// ratios), and the floor. Both sides run in turn, so that a busy machine is busy for
// both. With -check the command fails if a promise is lost beyond noise: the middle
// half of its ratios lies beyond the floor, and so it does when it is measured twice more.
// -quick takes small sizes and few rounds. -out writes every round in Go's benchmark
// format, so that benchstat can compare runs; a DIR in place of FILE gets a
// file that is named after the machine.
//
// Everything runs on the loopback interface and in a temporary directory, which is
// removed. What serves is a process of its own: the command starts itself again.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if served, err := serveIfAsked(ctx); served {
		exit(err)
		return
	}
	exit(run(ctx, os.Args[1:], os.Stdout))
}

// exit ends the program with status 1 if there is an error, which it prints.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}
