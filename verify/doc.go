// Package verify stands between a source and the cache: what a source sends is
// taken in whole and checked before anybody sees it.
//
// [Spooled] reads a body to its end before Fetch returns, so that a body that
// breaks off is that source's failure and the next source can be asked.
// [Structure] checks what needs no database: that a zip is a module zip of that
// version within the go command's limits, that an .info names the version that
// was asked for, that a go.mod parses and names a module, that a list is a list
// of versions, and that a checksum database's answers have their form.
//
// Both are middleware for one source and sit inside its circuit breaker, so
// that garbage counts against the source that sent it:
//
//	checked := upstream.Chain(source, verify.Structure(), verify.Spooled(nil))
//
// Garbage is [upstream.Unavailable], never "not found": a captive portal's page
// does not prove that a module does not exist.
package verify
