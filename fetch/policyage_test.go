package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// The time in a bubble starts at 2000-01-01 00:00 UTC.

func TestCooldownOfFiles(t *testing.T) {
	const path = "example.com/m"
	const young = "denied: v1.1.0 is too young: published 1999-12-30 00:00 UTC, allowed from 2000-01-06 00:00 UTC"
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.add(path, "v1.0.0", 7*day)
		s.add(path, "v1.1.0", 2*day)
		s.files[path+"/@v/main.info"] = s.files[path+"/@v/v1.1.0.info"]
		s.files[path+"/@v/old.info"] = s.files[path+"/@v/v1.0.0.info"]
		s.files[path+"/@v/v1.2.0.info"] = `{"Version":"v1.2.0"}`
		s.files[path+"/@v/v1.2.0.zip"] = "of no known age"
		s.files[path+"/@v/v1.3.0.mod"] = "a go.mod file and no .info"
		s.files[path+"/@v/v1.4.0.info"] = "<html>"
		s.files[path+"/@v/v1.5.0.info"] = infoFile("v1.5.0", -day)
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		tests := []struct{ file, want string }{
			{"v1.0.0.info", s.files[path+"/@v/v1.0.0.info"]},
			{"v1.0.0.mod", "module example.com/m\n"},
			{"v1.0.0.zip", "zip of v1.0.0"},
			{"old.info", s.files[path+"/@v/v1.0.0.info"]},
			{"v1.1.0.info", young},
			{"v1.1.0.mod", young},
			{"v1.1.0.zip", young},
			{"main.info", strings.Replace(young, "v1.1.0", "main stands for v1.1.0: v1.1.0", 1)},
			{"v1.2.0.info", "denied: it is not known when v1.2.0 was published"},
			{"v1.2.0.zip", "denied: it is not known when v1.2.0 was published"},
			{"v1.3.0.mod", "denied: it is not known when v1.3.0 was published: scripted: not found (status 404)"},
			{"v1.3.0.zip", "not found"},
			{"v1.4.0.info", "unavailable"},
			{"v1.4.0.mod", "unavailable: it is not known when v1.4.0 was published: shelf: unavailable: the answer is a page (of a login, or an error), not metadata"},
			{"v1.5.0.zip", "denied: v1.5.0 is too young: published 2000-01-02 00:00 UTC, allowed from 2000-01-09 00:00 UTC"},
			{"v1.9.0.info", "not found"},
			{"v1.9.0.mod", "not found"},
			{"none.info", "not found"},
		}
		for _, tt := range tests {
			if got := askPoliced(t, t.Context(), policed, path+"/@v/"+tt.file); got != tt.want {
				t.Errorf("%s:\n got %q\nwant %q", tt.file, got, tt.want)
			}
		}
		time.Sleep(5*day - time.Second)
		if got := askPoliced(t, t.Context(), policed, path+"/@v/v1.1.0.mod"); got != young {
			t.Errorf("a second before: got %q", got)
		}
		time.Sleep(time.Second)
		if got := askPoliced(t, t.Context(), policed, path+"/@v/v1.1.0.mod"); got != "module example.com/m\n" {
			t.Errorf("when it is old enough: got %q", got)
		}
		s.checkClosed(t)
	})
}

// What a version's age costs is one .info, once; nothing where it is at hand.
func TestCooldownRequests(t *testing.T) {
	const path, untagged = "example.com/m", "v0.0.0-19991231000000-0123456789ab"
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.add(path, "v1.0.0", 7*day)
		s.add(path, "v1.1.0", 2*day)
		s.add("example.com/exempt/m", "v1.0.0", 0)
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day, CooldownExempt: "example.com/exempt"}, s)
		tests := []struct {
			key, want string
			asked     []string
		}{
			{path + "/@v/v1.0.0.info", s.files[path+"/@v/v1.0.0.info"], []string{path + "/@v/v1.0.0.info"}},
			{path + "/@v/v1.0.0.zip", "zip of v1.0.0", []string{path + "/@v/v1.0.0.zip"}},
			{path + "/@v/v1.1.0.mod", "denied: v1.1.0 is too young", []string{path + "/@v/v1.1.0.info"}},
			{path + "/@v/v1.1.0.zip", "denied: v1.1.0 is too young", nil},
			{path + "/@v/v1.1.0.info", "denied: v1.1.0 is too young", nil},
			{path + "/@v/" + untagged + ".zip", "denied: " + untagged + " is too young", nil},
			{path + "/@v/" + untagged + ".info", "denied: " + untagged + " is too young", nil},
			{"example.com/exempt/m/@v/v1.0.0.zip", "zip of v1.0.0", []string{"example.com/exempt/m/@v/v1.0.0.zip"}},
			{"example.com/exempt/m/@v/list", "v1.0.0\n", []string{"example.com/exempt/m/@v/list"}},
		}
		for _, tt := range tests {
			if got := askPoliced(t, t.Context(), policed, tt.key); !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s: got %q, want %q", tt.key, got, tt.want)
			}
			if diff := cmp.Diff(tt.asked, s.takeAsked()); diff != "" {
				t.Errorf("%s: asked of the Fetcher (-want +got):\n%s", tt.key, diff)
			}
		}
	})
}

// An outage is not a denial, and not absence; neither is being offline.
func TestCooldownInAnOutage(t *testing.T) {
	const path = "example.com/m"
	down := func(_ context.Context, req upstream.Request) error {
		if req.Kind() == upstream.Info {
			return &upstream.Error{Request: req, Source: "shelf", Status: 503, RetryAfter: time.Minute}
		}
		return nil
	}
	offline := func(ctx context.Context, req upstream.Request) error {
		if upstream.Offline(ctx) && req.Kind() == upstream.Info {
			return &upstream.Error{Request: req, Err: upstream.ErrOffline}
		}
		return nil
	}
	inconclusive := func(_ context.Context, req upstream.Request) error {
		if req.Kind() == upstream.Info {
			return perhapsAbsent(req)
		}
		return nil
	}
	const unknown = "it is not known when v1.0.0 was published: "
	tests := []struct {
		name   string
		before func(context.Context, upstream.Request) error
		ctx    context.Context
		want   string
	}{
		{"an outage", down, t.Context(), "unavailable: " + unknown + "shelf: unavailable (status 503) (retry after 1m0s)"},
		{"offline", offline, upstream.WithOffline(t.Context()), "unavailable: " + unknown + "unavailable: offline, and there is no copy at hand: fetch it once while online"},
		{"absence that is not certain", inconclusive, t.Context(), "unavailable: " + unknown + "scripted: not found (status 404)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &shelf{before: tt.before}
			s.add(path, "v1.0.0", 9*day)
			policed, decisions := police(t, fetch.Policy{Cooldown: day}, s)
			for _, file := range []string{"v1.0.0.zip", "list"} {
				if got := askPoliced(t, tt.ctx, policed, path+"/@v/"+file); got != tt.want {
					t.Errorf("%s: got %q, want %q", file, got, tt.want)
				}
				if got, want := decisions(), []string{path + "/@v/" + file + " denied by cooldown: " + tt.want[strings.Index(tt.want, unknown):]}; !cmp.Equal(got, want) {
					t.Errorf("%s: decisions %q, want %q", file, got, want)
				}
			}
			s.checkClosed(t)
		})
	}
}

// perhapsAbsent is one source's absence, while another is down.
func perhapsAbsent(req upstream.Request) error {
	e := upstream.AsError(absent(req), req, "")
	e.Attempts = []*upstream.Error{upstream.AsError(absent(req), req, ""), upstream.AsError(outage(req), req, "")}
	return e
}

func TestCooldownKeepsRetryAfterAndCause(t *testing.T) {
	s := &shelf{before: func(_ context.Context, req upstream.Request) error {
		return &upstream.Error{Request: req, Source: "shelf", Status: 503, RetryAfter: time.Minute, Err: upstream.ErrOffline}
	}}
	policed, _ := police(t, fetch.Policy{Cooldown: day}, s)
	_, err := upstream.ReadMod(t.Context(), policed, module.Version{Path: "example.com/m", Version: "v1.0.0"})
	e := upstream.AsError(err, upstream.Request{}, "")
	if e.RetryAfter != time.Minute || !errors.Is(err, upstream.ErrOffline) || e.Request.Kind() != upstream.Mod {
		t.Errorf("got %#v", e)
	}
}

func TestCooldownWithPublished(t *testing.T) {
	const path = "example.com/m"
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		var calls atomic.Int64
		for _, v := range []string{"v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0", "v0.0.0-19990101000000-0123456789ab"} {
			s.add(path, v, 900*day) // backdated
		}
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day, Published: func(ctx context.Context, m module.Version) (time.Time, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			switch m.Version {
			case "v1.0.0":
				return time.Now().Add(-8 * day), nil
			case "v1.1.0", "v0.0.0-19990101000000-0123456789ab":
				return time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), nil
			case "v1.2.0":
				return time.Time{}, nil
			case "v1.3.0":
				return time.Time{}, fmt.Errorf("not in the index: %w", fs.ErrNotExist)
			case "v1.5.0":
				<-ctx.Done()
				return time.Time{}, ctx.Err()
			}
			panic("at the index")
		}}, s)
		const young = " is too young: published 1999-12-31 00:00 UTC, allowed from 2000-01-07 00:00 UTC"
		const unknown = " was published: unavailable: "
		tests := []struct{ file, want string }{
			{"v1.0.0.zip", "zip of v1.0.0"},
			{"v1.1.0.info", "denied: v1.1.0" + young},
			{"v0.0.0-19990101000000-0123456789ab.mod", "denied: v0.0.0-19990101000000-0123456789ab" + young},
			{"v1.2.0.mod", "denied: it is not known when v1.2.0 was published"},
			{"v1.3.0.mod", "denied: it is not known when v1.3.0 was published: not found: not in the index: file does not exist"},
			{"v1.4.0.mod", "unavailable: it is not known when v1.4.0" + unknown + "it panicked: at the index"},
			{"v1.5.0.mod", "unavailable: it is not known when v1.5.0" + unknown + "no answer within 5s"},
			{"list", "unavailable: it is not known when v1.4.0" + unknown + "it panicked: at the index"},
			{"v1.1.0.zip", "denied: v1.1.0" + young},
		}
		for _, tt := range tests {
			if got := askPoliced(t, t.Context(), policed, path+"/@v/"+tt.file); got != tt.want {
				t.Errorf("%s:\n got %q\nwant %q", tt.file, got, tt.want)
			}
		}
		for _, file := range s.takeAsked() {
			if strings.HasSuffix(file, ".info") {
				t.Errorf("the Fetcher was asked for %s", file)
			}
		}
		if got := calls.Load(); got != 8 { // once each, and v1.4.0 again
			t.Errorf("Published was called %d times, want 8", got)
		}
		s.checkClosed(t)
	})
}

// That a date is not known is asked again, and is over with Close.
func TestCooldownLearnsDates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at time.Time
		s := &shelf{}
		s.add("example.com/m", "v1.0.0", day)
		s.add("example.com/m", "v1.1.0", day)
		policed, _ := police(t, fetch.Policy{Cooldown: day, Published: func(ctx context.Context, m module.Version) (time.Time, error) {
			if m.Version == "v1.1.0" {
				<-ctx.Done()
			}
			return at, ctx.Err()
		}}, s)
		if got, want := askPoliced(t, t.Context(), policed, "example.com/m/@v/v1.0.0.zip"), "denied: it is not known when v1.0.0 was published"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		at = time.Now().Add(-9 * day)
		if got, want := askPoliced(t, t.Context(), policed, "example.com/m/@v/v1.0.0.zip"), "zip of v1.0.0"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		answer := make(chan string)
		go func() { answer <- askPoliced(t, t.Context(), policed, "example.com/m/@v/v1.1.0.zip") }()
		synctest.Wait()
		policed.Close()
		if got, want := <-answer, "canceled: it is not known when v1.1.0 was published: canceled: the fetcher is closed"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// What Published says is not overruled by an .info file.
func TestCooldownTrustsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.add("example.com/m", "v1.0.0", 0)
		s.add("example.com/m", "v1.1.0", 99*day)
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day, Published: func(_ context.Context, m module.Version) (time.Time, error) {
			if m.Version == "v1.0.0" {
				return time.Now().Add(-9 * day), nil
			}
			time.Sleep(2 * time.Second)
			return time.Now(), nil
		}}, s)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, want := askPoliced(t, impatient, policed, "example.com/m/@latest"), "timeout: it is not known when v1.1.0 was published: timeout: context deadline exceeded"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := askPoliced(t, t.Context(), policed, "example.com/m/@latest"), s.files["example.com/m/@v/v1.0.0.info"]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A @latest need not have a time: the .info file of its version has.
func TestCooldownOfALatestWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.add("example.com/m", "v1.0.0", 9*day)
		s.files["example.com/m/@latest"] = `{"Version":"v1.0.0"}`
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		if got := askPoliced(t, t.Context(), policed, "example.com/m/@latest"); got != `{"Version":"v1.0.0"}` {
			t.Errorf("got %q", got)
		}
	})
}

// What a Fetcher that is none of ours sends is not taken for whole unseen.
func TestCooldownOfBrokenBodies(t *testing.T) {
	s := &shelf{}
	s.add("example.com/m", "v1.0.0", 9*day)
	s.files["example.com/m/@v/main.info"] = s.files["example.com/m/@latest"] + strings.Repeat(" ", 1<<20)
	f := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		resp, err := s.Fetch(ctx, req)
		if resp != nil && req.Kind() == upstream.Info {
			resp.Size = 0
		} else if resp != nil {
			resp.Size++
		}
		return resp, err
	})
	policed, _ := police(t, fetch.Policy{Cooldown: day}, f)
	for _, file := range []string{"list", "main.info"} {
		if got := askPoliced(t, t.Context(), policed, "example.com/m/@v/"+file); got != "unavailable" {
			t.Errorf("%s: got %.100q", file, got)
		}
	}
	s.checkClosed(t)
}

func TestCooldownOfLists(t *testing.T) {
	const path = "example.com/m"
	const untagged = "v0.0.0-19991231000000-0123456789ab"
	tests := []struct {
		name     string
		versions string // with their age in days
		want     string
		asked    string // versions
		latest   string
	}{
		{"all are old", "v1.0.0=9 v1.1.0=8", "v1.0.0 v1.1.0", "v1.1.0", "v1.1.0"},
		{"the highest is young", "v1.0.0=9 v1.1.0=1", "v1.0.0", "v1.0.0 v1.1.0", "v1.0.0"},
		{"all are young", "v1.0.0=1 v1.1.0=1", "", "v1.0.0 v1.1.0", "denied: v1.1.0 is too young: published 1999-12-31 00:00 UTC, allowed from 2000-01-07 00:00 UTC"},
		{"series", "v1.0.0=99 v1.1.0=90 v1.1.1=80 v1.1.2=70 v1.2.0=60 v1.2.1=50 v1.3.0=40",
			"v1.0.0 v1.1.0 v1.1.1 v1.1.2 v1.2.0 v1.2.1 v1.3.0", "v1.1.2 v1.2.1 v1.3.0", "v1.3.0"},
		{"a young patch of an old series", "v1.0.0=99 v1.0.1=50 v1.0.2=1 v1.1.0=40", "v1.0.0 v1.0.1 v1.1.0", "v1.0.1 v1.0.2 v1.1.0", "v1.1.0"},
		{"a young pre-release of the next", "v1.0.0=99 v1.1.0-rc.1=20 v1.1.0-rc.2=1", "v1.0.0 v1.1.0-rc.1", "v1.0.0 v1.1.0-rc.1 v1.1.0-rc.2", "v1.0.0"},
		{"only pre-releases", "v1.0.0-rc.1=20 v1.0.0-rc.2=1", "v1.0.0-rc.1", "v1.0.0-rc.1 v1.0.0-rc.2", "v1.0.0-rc.1"},
		{"a pre-release that came before", "v1.0.0=1 v1.1.0-alpha.0=20", "v1.1.0-alpha.0", "v1.0.0 v1.1.0-alpha.0", "v1.1.0-alpha.0"},
		{"major versions", "v0.1.0=99 v1.0.0=50 v2.0.0+incompatible=1", "v0.1.0 v1.0.0", "v0.1.0 v1.0.0 v2.0.0+incompatible", "v1.0.0"},
		{"incompatible ones come last", "v1.0.0=50 v2.0.0+incompatible=40 v1.1.0=1", "v1.0.0 v2.0.0+incompatible", "v1.0.0 v1.1.0 v2.0.0+incompatible", "v1.0.0"},
		{"incompatible ones come first", "v1.0.0=50 v2.0.0+incompatible=40 v2.1.0+incompatible=1", "v1.0.0 v2.0.0+incompatible", "v1.0.0 v2.0.0+incompatible v2.1.0+incompatible", "v2.0.0+incompatible"},
		{"pseudo-versions tell their age", "v0.0.0-19990101000000-0123456789ab=1 v0.0.0-19990601000000-0123456789ab=1 " + untagged + "=1",
			"v0.0.0-19990101000000-0123456789ab v0.0.0-19990601000000-0123456789ab", "", "v0.0.0-19990601000000-0123456789ab"},
		{"a pre-release before an older patch", "v1.0.0=99 v1.0.1=1 v1.0.2-rc.1=20", "v1.0.0 v1.0.2-rc.1", "v1.0.0 v1.0.1 v1.0.2-rc.1", "v1.0.2-rc.1"},
		{"incompatible ones, all old", "v2.0.0+incompatible=50 v2.1.0+incompatible=40", "v2.0.0+incompatible v2.1.0+incompatible", "v2.1.0+incompatible", "v2.1.0+incompatible"},
		{"pseudo-versions come after pre-releases", "v0.0.0-19990101000000-0123456789ab=1 v0.0.1-rc.1=20 v1.0.0=1",
			"v0.0.0-19990101000000-0123456789ab v0.0.1-rc.1", "v0.0.1-rc.1 v1.0.0", "v0.0.1-rc.1"},
		{"out of order", "v1.0.0=99 v1.0.1=1 v1.0.2=50", "v1.0.0 v1.0.1 v1.0.2", "v1.0.0 v1.0.2", "v1.0.2"},
		{"what is no version of the module", "v1.0.0=9 v3.0.0=9 v1.5=1 v1.1.0=1", "v1.0.0 v3.0.0 v1.5", "v1.0.0 v1.1.0", "v1.0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{}
				for field := range strings.FieldsSeq(tt.versions) {
					var age int
					version, days, _ := strings.Cut(field, "=")
					fmt.Sscan(days, &age)
					s.add(path, version, time.Duration(age)*day)
				}
				policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
				if got := strings.Join(strings.Fields(askPoliced(t, t.Context(), policed, path+"/@v/list")), " "); got != tt.want {
					t.Errorf("the list is %q, want %q", got, tt.want)
				}
				checkAsked(t, s, path, tt.asked+" list")
				askPoliced(t, t.Context(), policed, path+"/@v/list")
				checkAsked(t, s, path, "list") // the rest is remembered
				latest := tt.latest
				if file, ok := s.files[path+"/@v/"+latest+".info"]; ok {
					latest = file
				}
				if got := askPoliced(t, t.Context(), policed, path+"/@latest"); got != latest {
					t.Errorf("@latest is %s, want %s", got, latest)
				}
				s.checkClosed(t)
			})
		})
	}
}

// checkAsked checks what a Fetcher was asked for since the last time: the list,
// and .info files.
func checkAsked(t *testing.T, s *shelf, path, want string) {
	t.Helper()
	var got []string
	for _, key := range s.takeAsked() {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(key, path+"/@v/"), ".info"))
	}
	wanted := strings.Fields(want)
	if diff := cmp.Diff(slices.Sorted(slices.Values(wanted)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("asked of the Fetcher (-want +got):\n%s", diff)
	}
}

// A list with times needs no request; what a source lists and does not have, or
// does not hand out, is left out; whatever else is in the list stays.
func TestCooldownOfListLines(t *testing.T) {
	const path = "example.com/m"
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{before: func(_ context.Context, req upstream.Request) error {
			if req.Version() == "v1.5.0" {
				return &upstream.Error{Class: upstream.Denied, Request: req, Status: 451}
			}
			return nil
		}}
		s.add(path, "v1.3.0", 9*day)
		s.files[path+"/@v/list"] = "v1.0.0 1999-12-31T23:00:00Z\nv1.0.1 1999-06-01T00:00:00Z\n\nnonsense\nv1.1.0 1999-12-31T23:00:00Z\nv1.4.0\nv1.5.0\nv1.3.0"
		policed, decisions := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		got := askPoliced(t, t.Context(), policed, path+"/@v/list")
		if want := "v1.0.0 1999-12-31T23:00:00Z\nv1.0.1 1999-06-01T00:00:00Z\n\nnonsense\nv1.1.0 1999-12-31T23:00:00Z\nv1.3.0"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		checkAsked(t, s, path, "list v1.3.0 v1.4.0 v1.5.0")
		if got, want := decisions(), []string{path + "/@v/list allowed by cooldown: left out 2 of 6 versions: v1.5.0, v1.4.0"}; !cmp.Equal(got, want) {
			t.Errorf("decisions %q, want %q", got, want)
		}
		s.files[path+"/@v/list"] = "v1.0.0 1999-12-31T23:00:00Z\nv1.0.1 1999-12-31T23:00:00Z\nv2.0.0+incompatible 1999-06-01T00:00:00Z\n"
		if got, want := askPoliced(t, t.Context(), policed, path+"/@v/list"), "v2.0.0+incompatible 1999-06-01T00:00:00Z\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		checkAsked(t, s, path, "list")
		s.files[path+"/@v/list"] = "<html>"
		if got := askPoliced(t, t.Context(), policed, path+"/@v/list"); got != "unavailable" {
			t.Errorf("garbage: got %q", got)
		}
		s.files[path+"/@v/list"] = ""
		if got := askPoliced(t, t.Context(), policed, path+"/@v/list"); got != "" {
			t.Errorf("an empty list: got %q", got)
		}
	})
}

// A long list costs few requests, 8 at a time.
func TestCooldownOfALongList(t *testing.T) {
	const path = "example.com/m"
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		s := &shelf{before: func(_ context.Context, req upstream.Request) error {
			if req.Kind() == upstream.Info {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
			}
			return nil
		}}
		for minor := range 200 {
			s.add(path, fmt.Sprintf("v1.%d.0", minor), time.Duration(1000-minor)*day)
		}
		for minor := range 30 {
			for patch := range 10 {
				s.add(path, fmt.Sprintf("v1.%d.%d", minor, patch+1), time.Duration(500-patch)*day)
			}
		}
		policed, decisions := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		askPoliced(t, t.Context(), policed, path+"/@v/list")
		if got, want := decisions(), []string{path + "/@v/list allowed by cooldown:"}; !cmp.Equal(got, want) {
			t.Errorf("decisions %q, want %q", got, want)
		}
		if asked := len(s.takeAsked()); asked != 1+1+30 {
			t.Errorf("a list of 500 versions took %d requests, want 32", asked)
		}
		if got := most.Load(); got != 8 {
			t.Errorf("%d at the same time, want 8", got)
		}
	})
}

// The first failure fails a list at once.
func TestCooldownGivesUpOnAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{before: func(ctx context.Context, req upstream.Request) error {
			switch req.Version() {
			case "v1.0.1":
				time.Sleep(time.Second) // both are under way
				return outage(req)
			case "v1.1.1":
				<-ctx.Done()
				return upstream.ContextError(ctx, req, "")
			}
			return nil
		}}
		s.add("example.com/m", "v1.0.1", 99*day)
		s.add("example.com/m", "v1.1.1", 99*day)
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if got, want := askPoliced(t, ctx, policed, "example.com/m/@v/list"), "unavailable: it is not known when v1.0.1 was published: scripted: unavailable (status 503)"; got != want || ctx.Err() != nil {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// What is said of a list stays, except what would be wrong of another content;
// a @latest that took the list is as old and as stale as the worse of the two.
func TestCooldownKeepsWhatIsKnownOfAList(t *testing.T) {
	const path = "example.com/m"
	const digest = "86f0555bccd069ac54e4c54a19a0f1aed9d328e13aa34aa090f3f3d43aaad441" // of v1.0.0 and a newline, by sha256sum
	for _, older := range []upstream.Kind{upstream.List, upstream.Latest} {
		synctest.Test(t, func(t *testing.T) {
			start, stale := time.Now(), outage(upstream.Request{})
			s := &shelf{}
			s.add(path, "v1.0.0", 9*day)
			s.add(path, "v1.1.0", 1*day)
			f := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
				resp, err := s.Fetch(ctx, req)
				if err != nil || req.Immutable() {
					return resp, err
				}
				resp.Fetched, resp.Cached, resp.Validator = start.Add(-time.Hour), true, `"v"`
				if req.Kind() == older {
					resp.Fetched, resp.Stale = start.Add(-2*time.Hour), stale
				}
				return resp, err
			})
			policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, f)
			for _, kind := range []upstream.Kind{upstream.List, upstream.Latest} {
				resp, err := policed.Fetch(t.Context(), request(t, kind, path, ""))
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := resp.Body.(cache.Body); !ok {
					t.Errorf("%v: the body cannot seek", kind)
				}
				content := read(t, resp)
				want := upstream.Response{
					Size: int64(len(content)), Source: "shelf", Origin: "printer", Cached: true,
					Fetched: start.Add(-2 * time.Hour), Stale: stale, Digest: "its digest",
				}
				if kind == upstream.List {
					want.Digest = digest
				}
				if kind == upstream.List && older == upstream.Latest {
					want.Fetched, want.Stale = start.Add(-time.Hour), nil
				}
				resp.Body = nil
				if diff := cmp.Diff(want, *resp, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
					t.Errorf("%v (-want +got):\n%s", kind, diff)
				}
			}
			s.checkClosed(t)
		})
	}
}

// A @latest that the source does not have stays absent: the go command goes by
// the list.
func TestCooldownWithoutLatest(t *testing.T) {
	const path = "example.com/m"
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.add(path, "v1.0.0", 9*day)
		delete(s.files, path+"/@latest")
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		if got := askPoliced(t, t.Context(), policed, path+"/@latest"); got != "not found" {
			t.Errorf("got %q", got)
		}
		s.files[path+"/@latest"] = infoFile("v0.0.0-19991231000000-0123456789ab", day)
		delete(s.files, path+"/@v/list")
		if got, want := askPoliced(t, t.Context(), policed, path+"/@latest"), "denied: v0.0.0-19991231000000-0123456789ab is too young"; !strings.HasPrefix(got, want) {
			t.Errorf("no list: got %q, want %q", got, want)
		}
		s.before = func(_ context.Context, req upstream.Request) error {
			if req.Kind() == upstream.List {
				return outage(req)
			}
			return nil
		}
		const unknown = "unavailable: it is not known which version to offer: scripted: "
		if got := askPoliced(t, t.Context(), policed, path+"/@latest"); got != unknown+"unavailable (status 503)" {
			t.Errorf("no list for an outage: got %q", got)
		}
		s.add(path, "v1.0.0", 9*day)
		s.add(path, "v1.1.0", day)
		s.before = nil
		askPoliced(t, t.Context(), policed, path+"/@v/list") // dates are known from now on
		s.before = func(_ context.Context, req upstream.Request) error {
			if req.Kind() == upstream.Info {
				return perhapsAbsent(req)
			}
			return nil
		}
		if got := askPoliced(t, t.Context(), policed, path+"/@latest"); got != unknown+"not found (status 404)" {
			t.Errorf("an .info file that may be absent: got %q", got)
		}
		s.checkClosed(t)
	})
}

// Where the list offers one too many, here by a date of its own, @latest passes
// it over.
func TestCooldownLatestLooksAtTheFile(t *testing.T) {
	const path = "example.com/m"
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.add(path, "v1.0.0", 99*day)
		s.add(path, "v1.1.0", 2*day)
		s.add(path, "v1.2.0", day)
		s.files[path+"/@v/list"] = "v1.0.0\nv1.1.0 1999-06-01T00:00:00Z\nv1.2.0\n"
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		if got, want := askPoliced(t, t.Context(), policed, path+"/@latest"), s.files[path+"/@v/v1.0.0.info"]; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// Where a source has a list and no @latest, and no version of it is offered, the
// answer says why; it is absence only where there is nothing to offer.
func TestLatestOfAListThatIsWithheld(t *testing.T) {
	const path = "example.com/m"
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		s.add(path, "v1.0.0", 2*day)
		s.add(path, "v1.1.0", day)
		s.add("example.com/old", "v1.0.0", 70*day)
		delete(s.files, path+"/@latest")
		delete(s.files, "example.com/old/@latest")
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		for key, want := range map[string]string{
			path + "/@latest":             "denied: v1.1.0 is too young: published 1999-12-31 00:00 UTC, allowed from 2000-01-07 00:00 UTC",
			"example.com/old/@latest":     "not found",
			"example.com/nothing/@latest": "not found",
		} {
			if got := askPoliced(t, t.Context(), policed, key); got != want {
				t.Errorf("%s:\n got %q\nwant %q", key, got, want)
			}
		}
		s.checkClosed(t)
	})
}
