// Package prommetrics makes Prometheus metrics of a [fetch.Client].
//
//	m := prommetrics.New(client, nil)
//	defer m.Close()
//	prometheus.MustRegister(m)
//	handler := fetch.NewHandler(client, &fetch.HandlerOptions{Access: m.Access})
//	http.Handle("/metrics", promhttp.Handler())
//
// It is a module of its own, so that a program that wants no Prometheus does not
// get it. What is counted while requests go on is counted by hooks, at the price of one
// counter and one histogram for a hit, which allocates nothing; the rest is asked for
// at a scrape, by one call of [fetch.Client.Stats].
//
// # The metrics
//
// Names and units follow https://prometheus.io/docs/practices/naming/.
//
//	breakwater_attempt_bytes_total            counter    source              Size of the answers of a source.
//	breakwater_attempt_duration_seconds       histogram  lane,source         Time until the answer of a source was here whole, or it was clear that there is none; not of what a circuit refused.
//	breakwater_attempt_first_byte_seconds     histogram  lane,source         Time that a source was waited for until its answer began, without our own queue.
//	breakwater_attempts_total                 counter    lane,result,source  Calls to a source that have ended, those that its open circuit refused included.
//	breakwater_build_info                     gauge      goversion,version   1, with the versions of this library and of Go.
//	breakwater_cache_bytes                    gauge      layer               Size of what a layer of the store holds; absent where it is not counted.
//	breakwater_cache_corruptions_total        counter    -                   Entries that were found damaged, which costs a refetch.
//	breakwater_cache_entries                  gauge      layer               Entries that a layer of the store holds; absent where they are not counted.
//	breakwater_cache_evicted_bytes_total      counter    -                   Size of what was removed from the default store's directory to make room.
//	breakwater_cache_evicted_entries_total    counter    layer               Entries that a layer of the store removed to make room.
//	breakwater_cache_filesystem_free_bytes    gauge      dir                 Room left for an ordinary user in the file system below the store.
//	breakwater_cache_filesystem_size_bytes    gauge      dir                 Size of the file system below the store.
//	breakwater_cache_max_bytes                gauge      layer               Bound of cache_bytes; absent where there is none.
//	breakwater_circuit_changes_total          counter    lane,source,to      Changes of the state of a source's circuit.
//	breakwater_commits_total                  counter    result              Downloads that were to be stored, by whether they were.
//	breakwater_committed_bytes_total          counter    -                   Size of the downloads that were stored.
//	breakwater_degradations_total             counter    what                Times that a caller got, or the Client had, less than is promised.
//	breakwater_flights                        gauge      -                   Downloads and look-ups under way, those of the background included.
//	breakwater_hedges_total                   counter    won                 Requests to a second source beside a slow first, by whether it was the faster.
//	breakwater_http_request_duration_seconds  histogram  code                Time until the answer to an HTTP request was written, or broke off.
//	breakwater_http_requests_total            counter    code,method         HTTP requests that a handler has answered (see Metrics.Access).
//	breakwater_http_response_bytes_total      counter    -                   Size of the bodies of answers, as far as they were written.
//	breakwater_request_duration_seconds       histogram  outcome             Time until the answer to a call of Fetch was ready to be read.
//	breakwater_requests_in_flight             gauge      -                   Calls of Fetch under way.
//	breakwater_requests_total                 counter    kind,outcome        Calls of Fetch that have ended.
//	breakwater_retries_given_up_total         counter    reason              Requests that failed and were not tried again, or not once more, by why.
//	breakwater_retries_total                  counter    -                   Tries after the first that were waited for.
//	breakwater_source_in_flight               gauge      lane,source         Calls to a source under way; those that wait for their turn only where it has no limit or is many servers.
//	breakwater_source_limit                   gauge      lane,source         Calls to a source that may be under way at present; absent where there is no limit or it is many servers.
//	breakwater_source_queue                   gauge      lane,source         Calls to a source that wait for their turn.
//	breakwater_source_state                   gauge      lane,source,state   1 for the state that a source is in, 0 for the others.
//	breakwater_sumdb_head_age_seconds         gauge      -                   Time since a source last confirmed the latest tree head; absent before the first time.
//	breakwater_sumdb_security_events_total    counter    -                   Times that the checksum database contradicted itself or was tampered with.
//	breakwater_sumdb_tree_size                gauge      -                   Records that the latest known tree head of the checksum database covers; absent where none is asked.
//	breakwater_unverified_files               gauge      -                   Files that were handed out unverified and wait to be checked.
//	breakwater_verifications_total            counter    result              Files that were or could not be checked, by what came of it.
//
// Metrics of HTTP are there if [Metrics.Access] is a handler's. Bytes evicted are those
// of the store that the Client opened itself; the other figures of the cache are those
// of any Store that tells them. A directory that does not answer in time has no file
// system for that scrape.
//
// # The labels
//
// No label has a value that a stranger can choose: no module paths, no hosts of
// "direct", no methods but those of the protocol. Label source is the name of a
// configured source (without credentials), layer the kind of a layer of the store, dir
// its directory, method "GET", "HEAD" or "other", and code an HTTP status or "other".
// The others have these values:
//
//	kind                           info, latest, list, mod, other, sumdb-latest, sumdb-lookup, sumdb-supported, sumdb-tile, zip
//	lane                           checksum-database, small-files, zips
//	outcome                        canceled, coalesced, denied, failed, hit-disk, hit-memory, miss, negative, not-found, offline, stale
//	reason                         departed, impatient, out-of-budget, out-of-time, out-of-tries, pointless, too-long
//	result of attempts_total       answered, canceled, denied, not-found, outpaced, overloaded, refused, timeout, unavailable, untrusted
//	result of commits_total        failed, stored
//	result of verifications_total  mismatched, unverifiable, verified
//	state                          on-trial, out, working
//	to                             on-trial, out, working
//	what                           cache-unreadable, cache-unwritable, stale, unverified
//	won                            false, true
//
// Each series whose labels are known exists from the start, at 0, so that the first
// failure is a rise. The gauges of a source that [fetch.Client.Reconfigure] has removed go
// away, its counters stay. Sources that share a name share its series: figures are
// added up, and the worst state is shown. A source that is many servers, as "direct" is,
// is always "working"; its circuits' changes are counted together.
//
// # Useful queries
//
// The part of the requests that were answered, of those whose callers stayed, and the part
// of the answers about modules that were at hand, as [fetch.Stats] has them, and the page
// of a [fetch.StatusHandler]. The checksum database's are left out, of which verification
// itself brings most into the cache:
//
//	sum(rate(breakwater_requests_total{outcome!~"failed|canceled|offline"}[5m]))
//	  / sum(rate(breakwater_requests_total{outcome!~"canceled|offline"}[5m]))
//
//	sum(rate(breakwater_requests_total{kind!~"sumdb-.*", outcome=~"hit-memory|hit-disk|stale|negative"}[5m]))
//	  / sum(rate(breakwater_requests_total{kind!~"sumdb-.*", outcome!~"denied|offline|canceled|failed"}[5m]))
//
// Sources that are out, and the time within which 95 of 100 misses are answered:
//
//	max by (source, lane) (breakwater_source_state{state="out"}) == 1
//
//	histogram_quantile(0.95, sum by (le) (rate(breakwater_request_duration_seconds_bucket{outcome="miss"}[5m])))
package prommetrics
