// Package oteltrace makes OpenTelemetry spans of what a [fetch.Client] does, and has
// its requests to sources carry them on, so that one trace leads through several
// proxies to the source that was slow or failed. It is a module of its own, so that
// the library does not depend on OpenTelemetry.
//
//	c, err := fetch.New(&fetch.Options{Trace: oteltrace.New(nil)})
//
// # Spans
//
// Each call of Fetch is a span of kind internal, "breakwater.fetch list" for instance:
// names hold the kind of file and never the module. Below it is a span of kind
// client for each call to a source, "breakwater.attempt list", also for one that the
// source's open circuit refused. What a caller's request sets off in the background,
// such as the renewal of a list, is below its span. What nobody asked for, such as probes and
// late verifications, has no request: each such attempt is a trace of its own.
//
//	breakwater.kind            both     what is asked for: "list", "zip",
//	                                    "sumdb lookup"
//	breakwater.module          both     only with ModuleNames
//	breakwater.version         both     only with ModuleNames
//	breakwater.outcome         request  as fetch.Outcome says: "hit-memory",
//	                                    "coalesced", "failed"
//	breakwater.result          attempt  "answered", "outpaced" by another
//	                                    source, "refused" by the open circuit,
//	                                    or the error's class: "not-found"
//	breakwater.source          both     who was asked, or who answered: also
//	                                    "memory" or "disk"
//	breakwater.size            both     of the answer in bytes, if known
//	breakwater.first_byte      attempt  seconds until the answer began, without
//	                                    the time in our queue
//	breakwater.class           request  the error's class: "not-found"
//	breakwater.reason          both     what failed, only with ModuleNames
//	http.response.status_code  attempt  of the source's answer, if it was an
//	                                    error
//
// The status of a request is Error only if its outcome is "failed". That of an attempt is
// Error if the source, the way to it, or our own limit is to blame: not if the file does not exist
// there or may not be had, if another was faster, if the circuit refused the attempt,
// or if the caller went away.
//
// Retries, hedges, verifications, commits and degradations are events of the span that they
// happen in: "breakwater.retry", "breakwater.gave_up", "breakwater.hedge",
// "breakwater.verification", "breakwater.commit", "breakwater.degradation". Changes of circuits belong to
// no request; they are in the log and in the metrics. A file of a version is stored after it
// was handed out: where the span has ended by then, it does not tell of that. No span holds a credential.
//
// # Requests that share a download
//
// What is fetched for several callers is part of the first one's trace. The span of
// another has the outcome "coalesced" and who answered, and no attempts below it. It
// has no link to the first one's, which it does not learn of. Attempts may end after
// the span of the first, whose caller may have gone. Events that come after its end are
// lost; what the attempts were is not. All spans have ended when the Client's Close and
// the calls of Fetch have returned.
//
// # Other proxies
//
// A source that is asked over HTTP gets traceparent and tracestate of the attempt's
// span (W3C Trace Context), also of one that is not sampled, and never baggage. The
// go command sends no trace, but another Breakwater does: wrap the handler with
// otelhttp.NewHandler, as in the example, and its requests become part of the trace
// that they came from. That middleware notes the path of each request, which names
// the module, whatever ModuleNames says. Where strangers reach the handler, its option
// WithPublicEndpointFn keeps them from deciding what is sampled.
package oteltrace
