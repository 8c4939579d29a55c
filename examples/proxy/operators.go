package main

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pages are handlers by their path.
type pages map[string]http.Handler

// checks returns the pages for those who send requests here or start the program anew.
func checks(client *fetch.Client) pages {
	return pages{
		"/healthz": fetch.LivenessHandler(),
		"/readyz":  fetch.NewReadinessHandler(client, nil),
	}
}

// operators are the pages for those who run the proxy.
type operators struct {
	pages
	metrics *prommetrics.Metrics
	status  *fetch.StatusHandler
}

func newOperators(client *fetch.Client) *operators {
	o := &operators{metrics: prommetrics.New(client, nil), status: fetch.NewStatusHandler(client, &fetch.StatusOptions{Diagnose: true})}
	registry := prometheus.NewRegistry()
	registry.MustRegister(o.metrics, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	o.pages = pages{
		"/metrics": readOnly(promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 8})),
		"/status":  o.status,
	}
	return o
}

// readOnly refuses whatever is not GET or HEAD.
func readOnly(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the metrics can only be read", http.StatusMethodNotAllowed)
			return
		}
		page.ServeHTTP(w, r)
	})
}

// access returns what counts requests; nil if nobody wants to know.
func (o *operators) access() accessFunc {
	if o == nil {
		return nil
	}
	return o.metrics.Access
}

func (o *operators) close() {
	if o == nil {
		return
	}
	o.status.Close()
	o.metrics.Close()
}

// routes puts pages beside the protocol, which has no such paths. It is not a
// ServeMux, which would answer a path with ".." or "//" by a redirect.
func routes(modules http.Handler, open pages, here *operators) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page, ok := open[r.URL.Path]; ok {
			page.ServeHTTP(w, r)
			return
		}
		if here != nil && fromHere(r) {
			if page, ok := here.pages[r.URL.Path]; ok {
				page.ServeHTTP(w, r)
				return
			}
		}
		modules.ServeHTTP(w, r)
	})
}

// adminRoutes are all that the operators' own address has.
func adminRoutes(open pages, o *operators) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, those := range []pages{o.pages, open} {
			if page, ok := those[r.URL.Path]; ok {
				page.ServeHTTP(w, r)
				return
			}
		}
		http.Error(w, "here are /status, /metrics, /readyz and /healthz", http.StatusNotFound)
	})
}

// fromHere reports whether who has reached a loopback address may be taken for
// somebody on this machine. A reverse proxy brings others, which is known by what it
// adds. So does a name of somebody else's that was made to lead here, which a browser
// takes for that site's own (DNS rebinding); under TLS it has no certificate for it.
func fromHere(r *http.Request) bool {
	for _, added := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if r.Header.Get(added) != "" {
			return false
		}
	}
	return r.TLS != nil || isLoopback(hostOf(r.Host))
}

// hostOf returns the host of HOST:PORT or HOST, without brackets.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.Trim(address, "[]")
}

// isLoopback reports whether a host is this machine by its name or address.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// mayShow reports whether the operators' pages may be beside the modules: where only
// this machine can reach the listener, and no other names say that others are led here.
func (c config) mayShow(listener net.Listener) bool {
	return c.admin == "" && isLocal(listener) && len(c.hosts) == 0
}

// isLocal reports whether only this machine can reach a listener.
func isLocal(listener net.Listener) bool {
	return listener.Addr().(*net.TCPAddr).IP.IsLoopback()
}

// sayWhere says where the operators' pages are.
func (v voice) sayWhere(admin string) {
	if admin == "" {
		v.say("/metrics and /status would be for everybody here, so they are not served: -admin localhost:8081 serves them there")
		return
	}
	v.say("for operators: %s/status and %s/metrics", admin, admin)
}
