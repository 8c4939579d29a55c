// Package install takes modules from Breakwater's cache to where they are used:
// [ModuleCache] into GOMODCACHE, for builds that have no network, [Directory]
// into a directory, for people and for tools that read sources.
//
// # Who writes to GOMODCACHE
//
// Modules are put there by the go command itself, which has the cache directory
// as its GOPROXY (file://DIR: the layout is the same). So its locks are taken, and
// permissions, go.sum, GOSUMDB and the .ziphash files are its own affair.
//
// The go command has no way to get a go.mod file alone, and a build needs many of
// those: of each module that is in the graph and gives no package to the build.
// They are written here, as the go command writes them (cmd/go/internal/modfetch,
// writeDiskCache): a temporary file beside the place, then a rename, with no lock.
// The other ways were worse. To have the graph of a main module loaded, a temporary
// one or a copy of the project's, loads go.mod files that nobody named, stops at
// what the cache lacks, and cannot name two versions of one module; "go list -m"
// wants an .info file of each, which a build does not need and a bundle need not
// have, and says nothing where a checksum is wrong. Nothing is trusted for it: the
// go command compares a go.mod file with go.sum, or the checksum database, each
// time that it reads one (readDiskGoMod).
//
// So what a go.sum file lists, zips and go.mod files, is all that "go build" needs
// with -mod=readonly and GOPROXY=off. "go list -m all" wants the .info files of all
// modules that it lists besides; ModuleCache writes those that it is given, likewise.
package install
