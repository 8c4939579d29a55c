package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// newTestService serves a catalog with a fault until the test ends.
func newTestService(t *testing.T, f fault) (*service, *catalog) {
	t.Helper()
	c, err := newCatalog()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.down)
	s.set(f)
	return s, c
}

// get asks a service for a file over a connection of its own.
func get(ctx context.Context, s *service, path string) (status int, body []byte, err error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url()+path, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// Each fault is what its name says, at the files that it is for, and nothing else is wrong.
func TestFaults(t *testing.T) {
	const (
		right  = "the right bytes"
		other  = "bytes of the right length"
		broken = "half of the bytes"
		page   = "a page"
		again  = "503"
	)
	for _, tt := range []struct {
		name                       string
		fault                      fault
		zip, zipAgain, list, sumDB string // what comes when it is asked for, in this order
	}{
		{"none", nil, right, right, right, right},
		{"unavailable", unavailable, again, again, again, again},
		{"unavailable database", only(databasePrefix, unavailable), right, right, right, again},
		{"cut once", only(".zip", cutOnce), broken, right, right, right},
		{"other bytes", only(".zip", flips), other, other, right, right},
		{"login page", only("/@v/list", loginPage), right, right, page, right},
		{"late", late(time.Millisecond), right, right, right, right},
		{"trickles", trickles(1 << 20), right, right, right, right},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newTestService(t, tt.fault)
			m := c.small[0]
			supported := databasePrefix + "/supported"
			for _, asked := range []struct{ path, want string }{
				{m.file("zip"), tt.zip}, {m.file("zip"), tt.zipAgain}, {"/" + m.path + "/@v/list", tt.list}, {supported, tt.sumDB},
			} {
				status, body, err := get(t.Context(), s, asked.path)
				file := c.files[asked.path]
				var got string
				switch {
				case errors.Is(err, io.ErrUnexpectedEOF) && len(body) == len(file)/2:
					got = broken
				case err != nil:
					got = err.Error()
				case status == http.StatusServiceUnavailable:
					got = again
				case status == http.StatusOK && bytes.Equal(body, file):
					got = right
				case status == http.StatusOK && len(body) == len(file):
					got = other
				case status == http.StatusOK && strings.HasPrefix(string(body), "<!doctype html>"):
					got = page
				}
				if got != asked.want {
					t.Errorf("%s: %q (%d), want %s", asked.path, got, status, asked.want)
				}
			}
		})
	}
}

func TestHangs(t *testing.T) {
	s, c := newTestService(t, hangs)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if status, _, err := get(ctx, s, c.small[0].file("mod")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %d, %v from a source that never answers", status, err)
	}
	if n := s.count(".mod"); n != 1 {
		t.Errorf("%d requests arrived, want 1", n)
	}
}

// A source that is down refuses connections, and has its address again when it is back.
func TestDown(t *testing.T) {
	s, c := newTestService(t, nil)
	path := c.small[0].file("mod")
	for range 2 {
		s.down()
		_, _, err := get(t.Context(), s, path)
		if refused, ok := errors.AsType[*net.OpError](err); !ok || refused.Op != "dial" {
			t.Errorf("down: %v, want that it cannot be connected to", err)
		}
		if err := s.up(); err != nil {
			t.Fatal(err)
		}
		if _, body, err := get(t.Context(), s, path); err != nil || !bytes.Equal(body, c.files[path]) {
			t.Errorf("up again: %q, %v", body, err)
		}
	}
	if got := s.count(""); got != 2 {
		t.Errorf("%d requests were counted, want the 2 that arrived", got)
	}
	s.forget()
	if got := s.count(""); got != 0 {
		t.Errorf("%d requests are not forgotten", got)
	}
}
