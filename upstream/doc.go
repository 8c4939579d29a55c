// Package upstream names the places that Go modules come from and the question
// that is put to them.
//
// An [Upstream] answers one [Request] with one [Response], or with an [*Error]
// whose [Class] says whether the thing does not exist, may not be had, or could
// not be had this time. Those three are never mixed up: an outage that looks
// like absence would make the go command pick another version or another module.
//
//	src, err := upstream.NewHTTP("https://proxy.example", nil)
//	if err != nil {
//		return err
//	}
//	info, err := upstream.ReadLatest(ctx, src, "golang.org/x/mod")
//
// [ReadList], [ReadLatest], [ReadInfo], [ReadMod] and [OpenZip] put the usual
// questions and read what the answers say.
//
// # Sources
//
//   - [NewHTTP] asks a module proxy over HTTP.
//   - [Dir] and [FS] read a tree laid out like GOMODCACHE/cache/download.
//   - [NewGOPROXY] and [ParseGOPROXY] understand what the go command accepts in
//     the GOPROXY variable.
//   - [NewSumDB] asks a checksum database at its own URL.
//   - [Func] makes a source of a function; a type of one's own with the method
//     Fetch is one, too, and package upstreamtest checks what it promises.
//   - Package gocmd fetches from version control, which is what "direct" means.
//
// What an HTTP source sends so that it is let in are [Credentials]; package auth
// has them from a netrc file, from what GOAUTH names, or from a function.
//
// # Combinators
//
// [Fallback] asks sources in order as a GOPROXY list does, [Mirrors] treats its
// members as equal, and [Routes] chooses by module pattern so that a private
// path never reaches a source that was not named for it. A combinator is a
// [Group], so [Wrap] can put middleware around every source inside it.
//
// [NewMirrors] takes a [Balance], which chooses who is asked first, and backups.
// [Hedge] has mirrors, and the "|" of a list, ask the next source beside one that
// is slower than it usually is; [Meter] measures what is usual.
//
// # Middleware
//
// A [Middleware] is a function from Upstream to Upstream. [Chain] puts several
// around one source, the outermost first. What a wrapper hides, such as the name
// of the source, [As] and [Name] find behind its method Unwrap. Packages breaker
// and verify are made of middleware.
//
// # What a call brings along
//
// The context carries what is of one call and not part of the question: whether
// it may use the network ([WithOffline]), whether somebody waits for it
// ([WithPriority]), where a download broke off ([WithResumePoint]), whom to tell
// how it is coming along ([WithProgress]), and the trace and the proxies that it
// came from ([WithTraceContext], [WithVia]).
//
// # Design notes
//
// Hedging is here and not with the middleware of package breaker: who is asked
// next, and when, is the group's own question, and a group that asks one after
// the other is the same race without overtaking. A race also asks again: where
// everybody has failed but one who keeps silent, waiting for that one alone is
// the worst that can be done.
//
// That a source lost a race counts against it only if it was silent for longer
// than it usually is; otherwise the fastest mirror would drive the others out.
//
// A source that stands for many servers is [Parted]: what befalls one must not
// keep the others out, and what it does takes too long to be done twice.
//
// The constructor for checksum-database requests is [NewSumDBRequest], apart
// from [NewRequest]: a look-up needs a database, a module and a version, one
// more than a file of a module does.
//
// The other errors behind a ranked error are in [Error].Attempts and not in the
// chain that errors.Is walks. A list that got "not found" from one source and an
// outage from the next has not found out that the module does not exist, and
// errors.Is(err, fs.ErrNotExist) must not say so.
package upstream
