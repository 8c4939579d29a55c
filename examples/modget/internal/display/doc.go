// Package display shows how a download of many modules comes along: to a person at
// a terminal, in the log of a build, or to a program.
//
// What goes where:
//
//	mode    out (standard output)            diagnostics (standard error)
//	Bars    nothing                          bars; failures, notes and the summary, which stay
//	Plain   a line for each module           failures, notes, what is waited for, the summary
//	JSON    an object for each module,       notes
//	        failures too; one for the summary
//	Quiet   nothing                          failures
//
// Modules that were stopped because the user went away are counted, and not called
// failures. Nothing is ever coloured, so NO_COLOR asks for nothing; and apart from what
// others wrote, what is shown is ASCII, so that any terminal can show it.
//
// # JSON
//
// Each line is one object. These fields are stable; others may be added.
//
//	type      "module", or "summary" for the last line
//
// A module's object:
//
//	path      the module's path
//	version   its version; absent if a query was not resolved
//	query     what was asked for, where that is not the version: "latest", "v1", a branch
//	bytes     size of its zip; 0 if it failed
//	source    the name of the source that gave it; absent if none did
//	cached    whether it was here already
//	verified  the strongest check that it passed: "checksum database", "go.sum", "verifier";
//	          absent: none
//	took_ms   milliseconds from its beginning to its end
//	error     absent if all went well
//	  class   "not found", "denied", "timeout", "unavailable", "untrusted", "overloaded" or
//	          "canceled", which are [upstream.Class] in words; or "local": this machine's own
//	          fault, such as a full disk
//	  text    the whole error, which may be several lines
//
// The summary's object:
//
//	expected, fetched, cached, failed, canceled   numbers of modules
//	bytes                                         of the zips of those fetched
//	took_ms                                       milliseconds from New to Close
package display
