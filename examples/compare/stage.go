package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A stage is what a scenario is played on by one peer: sources of its own, a checksum
// database, the peer, and what its clients need to reach it.
type stage struct {
	catalog  *catalog
	primary  *service
	mirror   *service // nil where the scenario has none
	database *service
	peer     *peer
	rounds   int

	dir     string // removed by close
	at      place
	running *process // nil: the go command alone
	base    string   // the proxy's URL
	goproxy string   // of its clients
	sumdb   string   // of its clients
	client  *http.Client
	clients int // how many there were
}

// newStage starts the sources and a peer that has an empty cache.
func newStage(ctx context.Context, c *catalog, p *peer, sc scenario, rounds int) (s *stage, err error) {
	s = &stage{catalog: c, peer: p, rounds: rounds, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: crowd}}}
	defer func() {
		if err != nil {
			err, s = errors.Join(err, s.close()), nil
		}
	}()
	if s.dir, err = os.MkdirTemp("", "breakwater-compare-*"); err != nil {
		return s, err
	}
	if s.primary, err = newService(c); err != nil {
		return s, err
	}
	if !sc.alone {
		if s.mirror, err = newService(c); err != nil {
			return s, err
		}
	}
	if s.database, err = newService(c.database); err != nil {
		return s, err
	}
	if err := s.settle(); err != nil {
		return s, err
	}
	return s, s.start(ctx)
}

// settle finds out what stands for the placeholders, and what the clients are told.
func (s *stage) settle() error {
	urls := []string{s.primary.url()}
	if s.mirror != nil {
		urls = append(urls, s.mirror.url())
	}
	s.at = place{
		"dir":     filepath.Join(s.dir, "peer"),
		"sources": strings.Join(urls, "|"),
		"comma":   strings.Join(urls, ","),
		"gosumdb": s.catalog.key + " " + s.database.url(),
		"sumdb":   databaseName + " " + s.database.url(),
	}
	s.goproxy, s.sumdb = s.at.fill(s.peer.list), s.catalog.key
	if s.peer.command == nil {
		return nil
	}
	if !s.peer.database {
		s.sumdb = s.at["gosumdb"]
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.at["addr"], s.base = address, "http://"+address
	s.goproxy = s.base
	return newHome(s.at["dir"])
}

// start starts the peer, if it is a program.
func (s *stage) start(ctx context.Context) (err error) {
	if s.peer.command != nil {
		s.running, err = s.peer.start(ctx, s.at)
	}
	return err
}

// restart ends the peer and starts it anew. It finds what it left in its directory.
func (s *stage) restart(ctx context.Context) error {
	s.running.stop()
	s.running = nil
	s.client.CloseIdleConnections()
	return s.start(ctx)
}

// newClient returns the go command of one who has nothing yet.
func (s *stage) newClient() goClient {
	s.clients++
	home := filepath.Join(s.dir, "client"+strconv.Itoa(s.clients))
	return goClient{home: home, goproxy: s.goproxy, sumdb: s.sumdb}
}

// down makes both sources refuse connections.
func (s *stage) down() {
	s.primary.down()
	s.mirror.down()
}

// set gives both sources a fault.
func (s *stage) set(f fault) {
	s.primary.set(f)
	if s.mirror != nil {
		s.mirror.set(f)
	}
}

// forget counts requests anew.
func (s *stage) forget() {
	s.primary.forget()
	s.mirror.forget()
	s.database.forget()
}

// count is how many requests there were, to the database too, for paths that end so.
func (s *stage) count(suffix string) int {
	return s.primary.count(suffix) + s.mirror.count(suffix) + s.database.count(suffix)
}

// close ends the peer and the sources and removes what they have written.
func (s *stage) close() error {
	s.running.stop()
	s.client.CloseIdleConnections()
	s.down()
	s.database.down()
	return os.RemoveAll(s.dir)
}
