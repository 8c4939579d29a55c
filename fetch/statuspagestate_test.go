package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// askEach asks for a go.mod file of each module, and does not mind what comes of it.
func askEach(t *testing.T, c *fetch.Client, modules ...string) {
	t.Helper()
	for _, module := range modules {
		if resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, module, "v1.0.0")); err == nil {
			resp.Body.Close()
		}
	}
}

// moody returns a source that fails for modules with a word in their path: "dead" by
// a refused connection, a number by that status, "absent" by "not found".
func moody(name string) upstream.Upstream {
	return upstream.WithName(name, &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
		e := &upstream.Error{Request: req, Source: name}
		for word, status := range map[string]int{"400": 400, "401": 401, "403": 403} {
			if strings.Contains(req.Module(), word) {
				e.Status, e.Class = status, upstream.Unavailable
				if status != 400 {
					e.Class = upstream.Denied
				}
				return "", e
			}
		}
		switch {
		case strings.Contains(req.Module(), "absent"):
			return "", absent(req)
		case strings.Contains(req.Module(), "dead"):
			e.Err = syscall.ECONNREFUSED
			return "", e
		}
		return answered(ctx, req)
	}})
}

// What a source is said to be right after it was asked, and after nobody has asked it
// for six minutes.
func TestWeatherOfOneSource(t *testing.T) {
	const works = "The only source works: a.example."
	const idle = "The only source failed when last asked, at 00:00 (%s): a.example."
	for _, tt := range []struct {
		name             string
		asks             []string
		text, state      string
		later, laterThan string
	}{
		{"it answers", []string{"a"}, works, "well", works, "well"},
		{"one module of many is denied", []string{"a", "b", "x/403"}, works, "well", works, "well"},
		{"one module alone is denied", []string{"x/403"}, works, "well", works, "well"},
		{"one odd request", []string{"a", "x/400"}, "The only source works: a.example, but 1 of 2 requests failed in the last five minutes.", "ill", works, "well"},
		{"one failure", []string{"a", "dead/1"}, "The only source works: a.example, but 1 of 2 requests failed in the last five minutes.", "ill", works, "well"},
		{"nothing but one failure", []string{"dead/1"}, "The only source failed when last asked, at 00:00 (connection refused): a.example, and 1 of 1 request failed in the last five minutes.", "ill", fmt.Sprintf(idle, "connection refused"), "strained"},
		{"several failures", []string{"dead/1", "dead/2"}, "The only source is in trouble: a.example fails (connection refused).", "ill", fmt.Sprintf(idle, "connection refused"), "strained"},
		{"more failures than answers", []string{"a", "dead/1", "dead/2"}, "The only source is in trouble: a.example fails (connection refused).", "ill", fmt.Sprintf(idle, "connection refused"), "strained"},
		{"it refuses all", []string{"x/401", "y/401", "z/401"}, "The only source is in trouble: a.example refuses every request (status 401: are the credentials right?).", "ill", fmt.Sprintf(idle, "status 401"), "strained"},
		{"it refuses all but one", []string{"x/401", "y/401", "absent", "z/401"}, works, "well", works, "well"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, fetch.Options{Upstream: moody("https://a.example"), NotFoundTTL: -1})
				h := fetch.NewStatusHandler(c, nil)
				defer h.Close()
				for _, module := range tt.asks {
					askEach(t, c, "example.com/"+module)
				}
				if got := h.Report().Weather; got.Text != tt.text || got.State != tt.state {
					t.Errorf("at once: %s, %s\nwant %s, %s", got.State, got.Text, tt.state, tt.text)
				}
				time.Sleep(6 * time.Minute)
				if got := h.Report().Weather; got.Text != tt.later || got.State != tt.laterThan {
					t.Errorf("later: %s, %s\nwant %s, %s", got.State, got.Text, tt.laterThan, tt.later)
				}
			})
		})
	}
}

// One module fails again and again, which may be the module's fault.
func TestOneModuleDoesNotMakeASourceFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, fetch.Options{Upstream: moody("https://a.example")})
		h := fetch.NewStatusHandler(c, nil)
		defer h.Close()
		for range 4 { // fewer than open the circuit
			askEach(t, c, "example.com/dead")
			time.Sleep(2 * time.Second)
		}
		if got := h.Report().Sources[0]; got.Failed < 2 || got.State != "failed when last asked" {
			t.Errorf("after %d failures it is %q", got.Failed, got.State)
		}
	})
}

func TestWeatherOfALockedUpList(t *testing.T) {
	url := serve(t, newOrigin(t))
	for _, tt := range []struct {
		goproxy, want string
	}{
		{"off", "No source may be asked, as configured: only what is in the cache is answered."},
		{url + ",off", "The only source works: " + url + "."},
		{url + "|" + url, "The only source works: " + url + "."},
		{url + ",http://127.0.0.1:1,http://127.0.0.1:2", "1 of 3 sources works, the others have not been asked."},
	} {
		t.Run(tt.goproxy, func(t *testing.T) {
			c := newClient(t, proxyOptions(tt.goproxy))
			h := fetch.NewStatusHandler(c, nil)
			defer h.Close()
			askEach(t, c, "example.com/hello")
			if got := h.Report().Weather.Text; got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// Without the go command and git, "direct" has nothing, as upstream.Direct.
func TestDirectWithoutCommandsIsNoSource(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.Direct(), Go: &fetch.GoSettings{GOSUMDB: "off"},
		Store: cache.NewMemory(nil), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	h := fetch.NewStatusHandler(c, nil)
	defer h.Close()
	if got := h.Report(); got.Sources[0].State != "no source" || !strings.HasPrefix(got.Weather.Text, "There is no source to ask") {
		t.Errorf("it is %q, and the page says %q", got.Sources[0].State, got.Weather.Text)
	}
}

// gitHosts is a source that is many servers, one for each host of a module.
type gitHosts struct{ upstream.Upstream }

func (gitHosts) Part(req upstream.Request) string {
	host, _, _ := strings.Cut(req.Module(), "/")
	return host
}

func (gitHosts) Name() string { return "direct" }

// hostsClient returns a Client of a mirror that has what is below example.com, until
// it is dead, and behind it a source of many hosts, of which some are dead.
func hostsClient(t *testing.T, mirrorIsDead, hostIsDead *bool) (*fetch.Client, *fetch.StatusHandler) {
	mirror := upstream.WithName("https://mirror.example", &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
		switch {
		case *mirrorIsDead:
			return "", &upstream.Error{Request: req, Source: "https://mirror.example", Err: syscall.ECONNREFUSED}
		case !strings.HasPrefix(req.Module(), "example.com/"):
			return "", absent(req)
		}
		return answered(ctx, req)
	}})
	direct := gitHosts{&scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
		if strings.HasPrefix(req.Module(), "git.example/") && !*hostIsDead {
			return answered(ctx, req)
		}
		return "", &upstream.Error{Request: req, Source: "direct", Err: syscall.ECONNREFUSED}
	}}}
	c := newClient(t, fetch.Options{
		Upstream: upstream.Fallback(upstream.Step{Upstream: mirror}, upstream.Step{Upstream: direct}), NotFoundTTL: -1,
		Circuit: &breaker.CircuitOptions{ConsecutiveFailures: 1, OpenFor: 10 * time.Second},
	})
	h := fetch.NewStatusHandler(c, nil)
	t.Cleanup(func() { h.Close() })
	return c, h
}

// Of a source that is many servers only those count that have answered.
func TestStrangersHostsAreNobodysTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mirrorIsDead, hostIsDead bool
		c, h := hostsClient(t, &mirrorIsDead, &hostIsDead)
		askEach(t, c, "example.com/a")
		for i := range 40 {
			askEach(t, c, fmt.Sprintf("host%d.example/x", i))
		}
		if got := h.Report().Sources[1].State; got != "failed when last asked" {
			t.Errorf("right after hosts that nobody knows failed, it is %q", got)
		}
		time.Sleep(6 * time.Minute) // the requests failed, which was said
		want := fetch.StatusWeather{State: "well", Text: "1 of 2 sources works, direct failed when last asked, at 00:00 (connection refused).", Notices: []string{}}
		if diff := cmp.Diff(want, h.Report().Weather); diff != "" {
			t.Errorf("of hosts that never answered (-want +got):\n%s", diff)
		}
		askEach(t, c, "git.example/a")
		hostIsDead = true
		askEach(t, c, "git.example/b")
		time.Sleep(6 * time.Minute)
		want = fetch.StatusWeather{State: "strained", Text: "Of direct (git.example), which answered before, no module can be had now but what is in the cache.", Notices: []string{"Both sources work."}}
		if diff := cmp.Diff(want, h.Report().Weather); diff != "" {
			t.Errorf("of one that did (-want +got):\n%s", diff)
		}
	})
}

func TestStrangersHostsAreFoldedIntoTheirSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mirrorIsDead, hostIsDead bool
		c, h := hostsClient(t, &mirrorIsDead, &hostIsDead)
		mirrorIsDead = true
		askEach(t, c, "example.com/a")
		mirrorIsDead = false
		time.Sleep(time.Minute)
		askEach(t, c, "example.com/b")
		for i := range 200 {
			askEach(t, c, fmt.Sprintf("host%d.example/x", i))
		}
		type change struct {
			Source, State, Part string
			Times               int64
		}
		var got []change
		for _, one := range h.Report().Changes {
			got = append(got, change{one.Source, one.State, one.Part, one.Times})
		}
		want := []change{
			{"direct", "out", "direct (host199.example)", 200},
			{"https://mirror.example", "working", "", 1},
			{"https://mirror.example", "out", "", 1},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// The record is of 64 sources, and the one that was asked longest ago makes room.
func TestJournalOfTheSixtyFifthSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []upstream.Step
		for i := range 64 {
			steps = append(steps, upstream.Step{Upstream: moody(fmt.Sprintf("https://s%02d.example", i)), OnAnyError: true})
		}
		c := newClient(t, fetch.Options{Upstream: upstream.Fallback(steps...)})
		h := fetch.NewStatusHandler(c, nil)
		defer h.Close()
		askEach(t, c, "example.com/dead")
		time.Sleep(time.Minute)
		for i, name := range []string{"new", "newer", "new"} {
			err := c.Reconfigure(&fetch.Options{Upstream: moody("https://" + name + ".example"), Go: &fetch.GoSettings{GOSUMDB: "off"}})
			if err != nil {
				t.Fatal(err)
			}
			askEach(t, c, fmt.Sprintf("example.com/b%d", i))
			time.Sleep(time.Minute)
		}
		if got := h.Report().Sources[0]; got.Answered != 2 {
			t.Errorf("the new source is said to have answered %d calls, want 2", got.Answered)
		}
	})
}

// Somebody asked once while the checksum database was away.
func TestDatabaseThatFailedLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
			if req.Kind().SumDB() {
				return "", outage(req)
			}
			return answered(ctx, req)
		}}
		c := newClient(t, fetch.Options{Upstream: u, Go: &fetch.GoSettings{GOSUMDB: "sum.golang.org", GONOSUMDB: "corp.example"}})
		h := fetch.NewStatusHandler(c, nil)
		defer h.Close()
		askEach(t, c, "example.com/m", "corp.example/a")
		if got := h.Report().Weather.Notices; len(got) != 1 || !strings.HasSuffix(got[0], "what is new cannot be verified.") {
			t.Errorf("at once: %q", got)
		}
		if body := visit(h, "GET", "/").Body.String(); !strings.Contains(body, "never answered") || strings.Contains(body, "not asked yet<br>") {
			t.Error("a database that failed is said not to have been asked")
		}
		time.Sleep(6 * time.Minute)
		want := fetch.StatusWeather{State: "well", Text: "The only source works: scripted.", Notices: []string{"The checksum database sum.golang.org could not be asked when it was asked last, at 00:00."}}
		if diff := cmp.Diff(want, h.Report().Weather); diff != "" {
			t.Errorf("later (-want +got):\n%s", diff)
		}
	})
}

// sickStore cannot be read, and nothing can be written to it.
type sickStore struct{ cache.Store }

var errSickDisk = errors.New("no space left")

func (sickStore) Get(context.Context, string) (*cache.Entry, error) { return nil, errSickDisk }

func TestCacheThatCannotBeReadIsNoticed(t *testing.T) {
	c := newClient(t, fetch.Options{Upstream: moody("https://a.example"), Store: sickStore{cache.NewMemory(nil)}})
	h := fetch.NewStatusHandler(c, nil)
	defer h.Close()
	askEach(t, c, "example.com/a", "example.com/b")
	r := h.Report()
	if len(r.Troubles) == 0 || r.Troubles[0].What != "cache-unreadable" || r.Troubles[0].Times < 2 || r.Troubles[0].Error != "no space left" {
		t.Errorf("the troubles are %+v", r.Troubles)
	}
	if r.Weather.State != "strained" || !strings.Contains(r.Weather.Text, "could not be read") || !strings.Contains(r.Weather.Text, "no space left") {
		t.Errorf("the weather is %+v", r.Weather)
	}
}

func TestRefusedIsNotAnswered(t *testing.T) {
	for _, tt := range []struct {
		name     string
		asks     []string
		answered int64
		refused  int64
		shown    string
	}{
		{"all refused", []string{"x/403", "y/403"}, 0, 2, "<dd>– <small>2 refused</small></dd>"},
		{"one of two", []string{"a", "y/403"}, 1, 1, "<dd>100\u00a0% <small>1 refused</small></dd>"},
		{"none", []string{"a", "absent"}, 2, 0, "<dd>100\u00a0%</dd>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, fetch.Options{Upstream: moody("https://a.example")})
			h := fetch.NewStatusHandler(c, nil)
			defer h.Close()
			for _, module := range tt.asks {
				askEach(t, c, "example.com/"+module)
			}
			if got := h.Report().LastHour; got.Answered != tt.answered || got.Refused != tt.refused {
				t.Errorf("%+v", got)
			}
			body := visit(h, "GET", "/").Body.String()
			if !strings.Contains(body, "<dt>Answered</dt>"+tt.shown) {
				t.Errorf("the page lacks %q", tt.shown)
			}
			if want := fmt.Sprintf("and %d refused. ", tt.refused); !strings.Contains(body, want) {
				t.Errorf("the plot is not described by %q", want)
			}
		})
	}
}

// The go command asks the checksum database through the proxy, which has asked
// itself just before.
func TestHitRatioIsOfModules(t *testing.T) {
	c := newClient(t, fetch.Options{Upstream: &scripted{answer: answered}})
	h := fetch.NewStatusHandler(c, nil)
	defer h.Close()
	askEach(t, c, "example.com/a")
	for range 5 {
		req, err := upstream.NewSumDBRequest("sum.golang.org", "supported")
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := c.Fetch(t.Context(), req); err == nil {
			resp.Body.Close()
		}
	}
	if got := h.Report().LastHour; got.Modules != 1 || got.HitRatio != 0 || got.Requests != 6 {
		t.Errorf("the hour: %+v", got)
	}
	if got := c.Stats(); got.HitRatio() != 0 || got.Total() != 6 || got.Modules[fetch.Miss] != 1 {
		t.Errorf("the ratio is %v of %d requests, about modules %v", got.HitRatio(), got.Total(), got.Modules)
	}
}
