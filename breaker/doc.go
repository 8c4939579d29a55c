// Package breaker is middleware that keeps one bad source from spoiling every
// request: [Circuit] stops asking a source that keeps failing, [Retry] asks
// again where that can help.
//
// A circuit belongs around each source, inside the list or group of mirrors;
// retry belongs around the whole, so that its first pass tries every source
// without waiting:
//
//	sources = upstream.Wrap(sources, breaker.Circuit(nil))
//	sources = breaker.Retry(nil)(sources)
//
// Around a circuit there should be no middleware that needs the source to be
// asked, and inside it what finds out that an answer is bad (package verify), so
// that bad answers count as failures.
package breaker
