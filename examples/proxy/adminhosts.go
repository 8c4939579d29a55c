package main

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// adminHosts are the names by which the operators' address may be asked for.
func (c config) adminHosts() []string {
	return slices.Concat([]string{hostOf(c.admin)}, c.hosts, c.adminNames)
}

// onlyAs lets requests through that ask for this machine, for an address, or for one of
// names. A page in the browser of somebody who can connect here may have its own
// name lead here, too, and would read what this one shows (DNS rebinding); but then
// that name is what is asked for, and it cannot be an address. HTTP/1.0 without a
// name is no browser's.
func onlyAs(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.TrimSuffix(hostOf(r.Host), ".")
		named := func(name string) bool { return strings.EqualFold(strings.TrimSuffix(name, "."), host) }
		if host == "" || isLoopback(host) || isAddress(host) || slices.ContainsFunc(names, named) {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, "this server goes by another name: ask for its address, or add the name with -admin-hosts", http.StatusMisdirectedRequest)
	})
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
