// Package survey measures sources of modules side by side and says which GOPROXY it
// would write: how long each takes, what each has, how old its lists are, and whether
// it sends the same bytes as the others and as a checksum database vouches for.
//
// # How it measures
//
// Sources are asked one after the other, never two at once, so that none has the line
// to itself while another shares it. For each file all are asked in turn before the
// next file comes, and every other time in reverse: where two share something, a
// cache behind both or a line that is warming up, neither is always the one that comes
// second. Calls go straight to the source, past all caches, retries and circuits of
// this library. The first answer of a source, with its connection to make, is told
// apart from the later ones.
//
// "It does not have it" (404 and 410) is told from "it failed". One that fails again
// and again, or hangs, is given up after a bounded time and asked no more.
//
// # Private modules
//
// Every source is asked about every module of the sample. So a private module must
// never be in it: its name would go to all of them, and it is not here that anybody
// could know which names are private.
package survey
