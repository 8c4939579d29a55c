//go:build unix

package readme_test

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/rogpeppe/go-internal/testscript"
)

// A kind of proxy is a Client's and a handler's options, and what stands around
// the Client.
type kind struct {
	options  fetch.Options
	policy   *fetch.Policy
	handler  fetch.HandlerOptions
	itself   bool // its only source is itself
	stranger bool // its only source has a certificate that nobody knows
	private  bool // the source is also that of corp.example
}

func kinds() map[string]kind {
	team := guard.Basic("modules", map[string]string{"ann": "secret"})
	return map[string]kind{
		"plain":    {},
		"offline":  {options: fetch.Options{Offline: true}},
		"loop":     {itself: true},
		"stranger": {stranger: true},
		"private":  {private: true},
		"claimed":  {options: fetch.Options{Claimed: "corp.example"}},
		"users":    {handler: fetch.HandlerOptions{Authorize: guard.AllOf(team.Check)}},
		"ruled": {policy: &fetch.Policy{
			Rules: []fetch.Rule{{Patterns: "gopkg.in/check.v1", Reason: "use package testing, see https://go.corp.example/testing"}},
		}},
		"cooling": {policy: &fetch.Policy{Cooldown: 100 * 365 * 24 * time.Hour}},
	}
}

// cmdBreakwater starts a proxy of that kind in place of the one before, on the
// same cache; "! breakwater" ends that.
func cmdBreakwater(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	s.close()
	s.close = func() {}
	if neg && len(args) == 0 {
		return
	}
	if neg || len(args) != 1 {
		ts.Fatalf("usage: breakwater KIND, or ! breakwater")
	}
	k, ok := kinds()[args[0]]
	if !ok {
		ts.Fatalf("no kind of proxy is called %q", args[0])
	}
	listener, err := net.Listen("tcp", "localhost:8080")
	ts.Check(err)
	url := "http://" + listener.Addr().String()
	end, err := s.serve(k, listener, url)
	ts.Check(err)
	s.close = end
}

func (s *stage) serve(k kind, listener net.Listener, url string) (closeAll func(), err error) {
	opts := k.options
	opts.CacheDir = filepath.Join(s.workDir, "cache")
	opts.Go = &fetch.GoSettings{GOPROXY: s.source.server.URL, GOSUMDB: s.database.verifierKey}
	if k.itself {
		opts.Go.GOPROXY = url
	}
	if k.private {
		opts.Private = []upstream.Route{{Patterns: "corp.example", Upstream: upstream.Dir(s.modules.trees[0])}}
	}
	if k.stranger {
		stranger := httptest.NewTLSServer(s.source)
		stranger.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // clients that do not trust it are what is wanted
		s.alsoClose = append(s.alsoClose, stranger.Close)
		opts.Go.GOPROXY = stranger.URL
	}
	opts.Retry = &breaker.RetryOptions{Tries: 1} // an outage is told at once
	client, err := fetch.New(&opts)
	if err != nil {
		listener.Close()
		return nil, err
	}
	var fetcher fetch.Fetcher = client
	if k.policy != nil {
		if fetcher, err = k.policy.Wrap(client); err != nil {
			listener.Close()
			client.Close()
			return nil, err
		}
	}
	server := &http.Server{Handler: fetch.NewHandler(fetcher, &k.handler)}
	served := make(chan struct{})
	go func() {
		server.Serve(listener)
		close(served)
	}()
	return func() {
		server.Close()
		<-served
		client.Close()
	}, nil
}
