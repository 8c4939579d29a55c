// Package verify stands between a source and the cache: what a source sends is
// taken in whole and checked before anybody sees it.
//
//	checked := upstream.Chain(source,
//		verify.Mend(), verify.Checksums(),
//		verify.Structure(), verify.Spooled(nil))
//	ctx = verify.WithExpectation(ctx, verify.Begin(ctx, goSum, m, upstream.Zip))
//	resp, err := upstream.OpenZip(ctx, checked, m)
//
// # The middleware
//
// All are middleware for one source and sit inside its circuit breaker, in the
// order above, so that garbage counts against the source that sent it. From the
// inside out:
//
//   - [Spooled] reads a body to its end before Fetch returns, so that a body that
//     breaks off is that source's failure and the next source can be asked. A zip
//     that breaks off goes on where it was, at the same source and, with a
//     [Salvage] in the context, at the next one that has the same. What is too
//     slow to wait for alone is reported; what all but stands still has broken
//     off.
//   - [Structure] checks what needs no database: that a zip is a module zip of
//     that version within the go command's limits, that an .info names the
//     version that was asked for, that a go.mod parses and names a module, that a
//     list is a list of versions, and that a checksum database's answers have
//     their form.
//   - [SumDB.Signed] checks the signature on a checksum database's tree heads.
//   - [Checksums] compares what is left with the [Expectation] in the context.
//   - [Mend] is outermost, so that pieces that do not belong together cost the
//     source that sent the last one a clean download and not its good name.
//
// Garbage is [upstream.Unavailable], never "not found": a captive portal's page
// does not prove that a module does not exist. Bytes that do not match a checksum
// are [upstream.Untrusted].
//
// # Who vouches for files
//
// A [Verifier] says what a file must hash to: a [SumDB], which asks a checksum
// database and verifies it by its log, or a [GoSum], which has read go.sum files,
// or both by [Sequence]. It is asked once for a download ([Begin]), beside it,
// however many sources are tried.
//
// [HashZip] and [HashMod] return the hashes that a go.sum file has.
//
// # Design notes
//
// The engine is made of x/mod's tlog and note and not of its sumdb.Client, whose
// calls take no context, which remembers errors for good and hides a security
// error in a text. [SumDB]'s doc says how they differ.
//
// A zip is hashed while it arrives, so that little is left to do when its last byte
// is here. What is found on the way is only a guess at what the directory at the end
// will say: HashZip uses the sum of an entry where archive/zip, asked for that
// entry, would inflate the same bytes to the same end, and hashes all others anew. So
// a zip that tells one thing on the way and another at the end has the hash that it
// would have if it came all at once, or the same error.
//
// Zips are inflated by an inflater of our own, which takes half of compress/flate's
// time: most of what it costs to verify a zip is to inflate it, and each byte of one
// is what a cold build waits for. A library was tried and saved a sixth
// (klauspost/compress v1.18.0). It need not be trusted to refuse what is wrong in the
// same words: what it does not inflate to the size and the CRC that the directory
// tells is left to archive/zip.
//
// Expect is told which file is asked about, because a go.sum file may list a
// module's go.mod file without its zip.
package verify
