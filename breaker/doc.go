// Package breaker is middleware that keeps one bad source from spoiling every
// request, and every request from spoiling one source:
//
//	guard := func(source upstream.Upstream) upstream.Upstream {
//		return upstream.Chain(source,
//			breaker.Circuit(nil), upstream.Meter(), breaker.Limit(nil))
//	}
//	mirrors := upstream.Wrap(upstream.Mirrors(near, far), guard)
//	sources := breaker.Retry(nil)(mirrors)
//
// There are four pieces, each of use without the others:
//
//   - [Circuit] stops asking a source that keeps failing, keeps silent, or asked
//     to be left alone.
//   - [Limit] bounds how many calls to a source are under way at once; [LoadOf]
//     tells how many are.
//   - [Retry] asks again where that can help, within a budget.
//   - [Prober] asks sources in the background, so that one that is back is known
//     before a caller has to try it; [Standings] and [Rank] are what is known of
//     them.
//
// # Where each belongs
//
// A circuit and a limit belong around each source, inside the list or group of
// mirrors; retry belongs around the whole, so that its first pass tries every
// source without waiting.
//
// The circuit is the outermost of what is around a source: inside it belongs what
// finds out that an answer is bad (package verify), so that bad answers count as
// failures. The limit is the innermost, inside what takes in the body, so that a
// place is held for as long as the source is at work and no longer.
//
// A prober is given the sources as retry sees them, each with its circuit: those
// that [upstream.Sources] returns of the group inside the retry, for it does not
// look behind middleware that is around a group.
//
// # Design notes
//
// Retry and circuit know of each other: what is tried again is a last resort, of
// which an open circuit lets one through now and then, so that a source that is
// back is found when it is needed.
package breaker
