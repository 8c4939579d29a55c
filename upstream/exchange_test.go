package upstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// exchanges asks u once and returns what was told meanwhile.
func exchanges(ctx context.Context, u upstream.Upstream, req upstream.Request) ([]upstream.Exchange, error) {
	var told []upstream.Exchange
	ctx, stop := upstream.WithExchanges(ctx, func(e upstream.Exchange) { told = append(told, e) })
	defer stop()
	_, err := upstream.ReadAll(ctx, u, req)
	return told, err
}

var unmeasured = cmpopts.IgnoreFields(upstream.Exchange{}, "Began", "Took", "TLS")

// Each request is told, with where it went and what came back, and without what is
// secret in a URL.
func TestExchanges(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", at.Format(http.TimeFormat))
		w.Header().Set("Age", "60")
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "v1.0.0\n")
	}))
	defer storage.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Location", storage.URL+"/secret-path?signature=secret-signature")
		w.WriteHeader(http.StatusFound)
	}))
	defer proxy.Close()
	u := newHTTP(t, "http://user:password@"+proxy.Listener.Addr().String(), nil)
	told, err := exchanges(t.Context(), u, request(t, "a.b/c/@v/list"))
	want := []upstream.Exchange{
		{URL: proxy.URL, Status: 302, Location: storage.URL, Credentials: true},
		{URL: storage.URL, Status: 200, ContentType: "text/plain", Date: at.Add(time.Minute)},
	}
	if diff := cmp.Diff(want, told, unmeasured); diff != "" || err != nil {
		t.Errorf("error %v, exchanges (-want +got):\n%s", err, diff)
	}
}

// A request that fails is told, too.
func TestExchangeFails(t *testing.T) {
	u := over(t, "https://proxy.example", func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
	told, err := exchanges(t.Context(), u, request(t, "a.b/c/@v/list"))
	if diff := cmp.Diff([]upstream.Exchange{{URL: "https://proxy.example"}}, told, unmeasured); diff != "" || err == nil {
		t.Errorf("error %v, exchanges (-want +got):\n%s", err, diff)
	}
}

// The refusal of a forward proxy has a type, and the proxy is told without its
// password.
func TestExchangeProxy(t *testing.T) {
	forward := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	defer forward.Close()
	with := &url.URL{Scheme: "http", User: url.UserPassword("user", "password"), Host: forward.Listener.Addr().String()}
	asked := 0
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Transport: &http.Transport{
		Proxy: http.ProxyURL(with),
		OnProxyConnectResponse: func(context.Context, *url.URL, *http.Request, *http.Response) error {
			asked++
			return nil
		},
	}})
	told, err := exchanges(t.Context(), u, request(t, "a.b/c/@v/list"))
	shown := "http://xxxxx@" + with.Host
	if diff := cmp.Diff([]upstream.Exchange{{URL: "https://proxy.example", Proxy: shown}}, told, unmeasured); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s", diff)
	}
	refusal, _ := errors.AsType[*upstream.ProxyError](err)
	if diff := cmp.Diff(&upstream.ProxyError{Proxy: shown, Status: 407}, refusal); diff != "" || asked != 1 {
		t.Errorf("the Transport's own hook was called %d times, refusal (-want +got):\n%s", asked, diff)
	}
}

// What is watched has connections of its own, which end with it; the source's stay.
func TestExchangesConnections(t *testing.T) {
	opened, ended := make(chan net.Conn, 10), make(chan net.Conn, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "v1.0.0\n") }))
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened <- c
		case http.StateClosed:
			ended <- c
		}
	}
	server.Start()
	defer server.Close()
	u := newHTTP(t, server.URL, nil)
	defer u.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	req := request(t, "a.b/c/@v/list")
	if _, err := upstream.ReadAll(t.Context(), u, req); err != nil {
		t.Fatal(err)
	}
	own := <-opened
	if told, err := exchanges(t.Context(), u, req); err != nil || len(told) != 1 {
		t.Fatalf("%v, error %v", told, err)
	}
	watched := <-opened
	if c := <-ended; c != watched || c == own {
		t.Error("not the watched connection was closed")
	}
	if _, err := upstream.ReadAll(t.Context(), u, req); err != nil || len(opened) > 0 || len(ended) > 0 {
		t.Errorf("the source's own connection did not stay: error %v", err)
	}
}

// After stop nothing is told, and the source works as before.
func TestExchangesStopped(t *testing.T) {
	u := over(t, "https://proxy.example", always(200, "v1.0.0\n"))
	ctx, stop := upstream.WithExchanges(t.Context(), func(upstream.Exchange) { t.Error("it is told") })
	stop()
	stop()
	if _, err := upstream.ReadAll(ctx, u, request(t, "a.b/c/@v/list")); err != nil {
		t.Error(err)
	}
}
