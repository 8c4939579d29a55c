package main

import (
	"context"
	"time"
)

// A scenario is a kind of illness, and what is done meanwhile.
type scenario struct {
	name string // a heading for people; -only matches it

	alone   bool   // there is no mirror
	proxy   bool   // it says nothing about the go command alone
	waits   bool   // mostly time passes: all peers can play at once
	rounds  int    // how often, with another module each time; with -quick once
	counted string // requests for paths that end so are worth a word; "-": none are

	// prepare runs while the sources are well, and is not measured; nil: nothing to do.
	prepare func(ctx context.Context, s *stage) error

	// play does what is measured. Each error of its is an attempt that went wrong.
	play func(ctx context.Context, s *stage) []attempt
}

// An attempt is one thing that a client tried.
type attempt struct {
	Part    string  `json:"part,omitempty"` // which thing, where a scenario has several
	Right   bool    `json:"right"`          // it got what it should
	Seconds float64 `json:"seconds"`        // how long that took
	Said    string  `json:"said,omitempty"` // the status of an answer, or why it went wrong
}

// as names the part of the scenario that an attempt is.
func (a attempt) as(part string) attempt {
	a.Part = part
	return a
}

// budget is how long a scenario goes on with another round.
const budget = 25 * time.Second

// each plays a round with each of the modules, as many as there are rounds, or as fit into
// the budget.
func (s *stage) each(ctx context.Context, modules []goModule, round func(goModule) []attempt) []attempt {
	var all []attempt
	begun := time.Now()
	for _, m := range modules[:min(s.rounds, len(modules))] {
		if ctx.Err() != nil || time.Since(begun) > budget {
			break
		}
		all = append(all, round(m)...)
	}
	return all
}

// downloads has a new client download each module.
func (s *stage) downloads(ctx context.Context, modules []goModule) []attempt {
	return s.each(ctx, modules, func(m goModule) []attempt {
		return []attempt{s.newClient().download(ctx, m)}
	})
}
