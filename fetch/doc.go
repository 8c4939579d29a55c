// Package fetch puts sources, circuit breakers, verification and a cache
// together into one thing that gets Go modules through bad weather: a [Fetcher],
// made by [New] and served to the go command by [NewHandler].
//
//	c, err := fetch.New(nil)
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	handler := fetch.NewHandler(c, nil)
//	http.Handle("/goproxy/", http.StripPrefix("/goproxy", handler))
//
// nil means the user's own go settings, a cache in the user's cache directory,
// and the defaults of [Options].
//
// # The path of a request
//
//	handler ── one parser ──> Request ──> Client
//	                                        │ memory ── hit ──> answer
//	                                        │ disk ──── hit ──> answer
//	                                        │ miss: one flight for all who ask
//	                                        ▼
//	                                      retry
//	                                        │
//	                routes ── GOPROXY list ── mirrors (the last two hedged)
//	                                        │
//	                                   each source:
//	circuit( mend( checksums( structure( spool( limit(
//	 Middleware( HTTP proxy | directory | the go command )))))))
//	                                        │ beside it: checksum database
//	                                        │
//	            verified spool ── renamed into the cache ──> all who wait
//	                                        │
//	       all failed: an older answer if there is one,
//	                   else one error that says who failed and why
//
// A request that the cache can answer asks no source. Anything else joins the
// one flight there is for that request, however many callers ask. The flight
// asks the sources, each through its circuit and its checks, hands what passed to
// everybody who waits, and stores it. If all sources fail and an older answer
// to a changeable question is at hand, that is given, and says so.
//
// Mirrors are hedged, what breaks off goes on, a source that fails is left alone
// and tried again with care; [Options] names the knobs, and none has to be turned.
// Middleware of one's own can be put around each source, inside its circuit.
// [Client.Reconfigure] replaces them while requests go on, and [Client.Ranking]
// tells how the sources fare.
//
// # The packages
//
//	upstream               the question, the answer, the errors; sources,
//	                       GOPROXY lists, mirrors, routes, hedging, balance
//	upstream/gocmd         a source that fetches from version control
//	upstream/auth          where credentials for sources come from
//	upstream/upstreamtest  checks a source of one's own
//	cache                  stores: memory, disk, layers; the spool that a
//	                       download is written to once
//	cache/cachetest        checks a store of one's own
//	breaker                circuit, retry and limit, as middleware; probes
//	verify                 what an answer must look like and hash to
//	fetch                  all of it put together; the handler; policies
//	fetch/guard            what stands before a handler that strangers reach
//	fetch/audit            an account of what was handed out
//	fetch/prommetrics      Prometheus metrics (a module of its own)
//	fetch/oteltrace        OpenTelemetry spans (a module of its own)
//
// # What clients are told
//
// Errors are of type [*upstream.Error]. Their class says what a caller may do
// about them, and is the status that the handler answers with:
//
//	not found    404; 410 where a source said so: it does not exist
//	denied       403; 401 where the caller has not said who he is
//	timeout      504: a bound on time was met on the way
//	unavailable  502; 503 with Retry-After where it is known when to ask again
//	untrusted    502: the bytes are not what a checksum says they must be
//	overloaded   503 with Retry-After: a limit of ours was met
//	canceled     503 with Retry-After: the Client was closed
//
// Nothing but absence is answered with 404 or 410, for after those two the go
// command goes on to the next source, version or module path.
//
// # Private modules, and who may ask for what
//
// [Options] Private sends modules to sources of their own, Claimed refuses names that
// belong to somebody inside, and Direct has "direct" mean version control. Such
// modules are asked of nobody else, and no checksum database learns of them.
//
// A [Policy] stands around a Client and is a Fetcher itself. [HandlerOptions]
// Authorize decides for each caller, and Audit is told who had what; packages guard
// and audit have the pieces.
//
// # Seeing it
//
// A [Trace] is told what a Client does, [Client.Stats] says how it stands, and the
// error of a request that failed has its whole story. [NewStatusHandler] shows it all on
// one page, [NewReadinessHandler] tells whoever sends requests here, and [Diagnose]
// says what is wrong with a source. The handler logs each request that failed, once,
// at a level that says who must act; what the Client logs is what no caller is told.
// Prometheus and OpenTelemetry are in modules of their own, fetch/prommetrics and
// fetch/oteltrace.
//
// # Helpers
//
// Small programs can use the helpers: [Resolve] turns a version query into a
// version, [SaveZip] downloads a module's zip, [Extract] unpacks it.
//
// # Design notes
//
// What a Verifier says is asked for once in a flight, and compared inside each
// source's circuit. That the Verifier cannot be asked is not known there: the
// answer passes through, and the flight decides. So a database's outage strikes
// no source and has nothing downloaded twice.
//
// A flight has no deadline of its own that would have to follow its waiters':
// when the last of them has gone, by deadline or otherwise, the flight ends a
// short grace later, which comes to the same.
//
// A policy is around the Fetcher, and not inside of it: so it holds for what is in
// the cache and for what is stored by others, and the cache holds what the sources
// say, whatever the policy is today. What goes in beneath it, as [Client.Export] and
// [Client.Purge] do, is the operator's.
//
// A Trace's Start hooks return the context to go on with, which those of
// net/http/httptrace do not: spans and what is sent on to the sources travel in it.
// The story of a failure is in the error and not in a hook's event alone, so that
// whoever calls Fetch has it, and a hit has nothing to do with it.
//
// Who processes share a store with is asked once for look-ups and tiles of a checksum
// database, too, by turns that the engine takes: what a flight brings is not proven
// before other answers are there. See across.go.
//
// What passed the checks is stored after it was handed out: making it last costs more
// than the rest of a small file's way, and a crash in between costs a download. Until
// it is stored, the flight answers, so that nobody sees the difference; answers that can
// change are stored first, for nobody must see the older one after them. [Client.Flush]
// waits, and so do Purge, Export and Close.
//
// A zip that is streamed ([HandlerOptions] Stream) is read from the spool that it grows
// in, by whoever joins the flight. What is held back is found by its mark: nothing from
// the first record on that could end a zip is sent, wherever it stands, so that not even
// the part that a client has when the connection breaks is a zip to anybody. Where a
// second source has to go on, what was sent is compared with what that one has.
//
// A request whose path was answered from memory before is not parsed again: the entry
// remembers what the path means.
//
// An answer that cannot be had offline is "unavailable" (502), although the
// public mirror says 404 there: absence is only what a source said.
package fetch
