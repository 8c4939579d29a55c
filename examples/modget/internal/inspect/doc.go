// Package inspect says whether the module files that lie in a directory are those
// that a checksum database, or a go.sum file, vouches for. Where `go mod verify`
// compares the modules of one project with what the go command noted when it
// downloaded them, this compares all that is there with what somebody else says.
//
// [Tree] reads a directory of any of these layouts:
//
//	GOMODCACHE                        zips and go.mod files below cache/download,
//	                                  their .ziphash files, and the unpacked
//	                                  directories path@version
//	Breakwater's cache, a bundle,     zips and go.mod files
//	or any GOPROXY=file://DIR
//	a directory of path@version       the unpacked directories
//
// It changes nothing, and reads nothing outside of the directory, whatever links
// are in it. Versions lists and .info files are passed over, for nobody vouches
// for them, and so is what the go command itself takes for absent: directories that
// it has not finished to unpack.
package inspect
