package upstream

import (
	"strconv"

	"golang.org/x/mod/zip"
)

// Kind says which of the module proxy protocol's resources a [Request] asks
// for. The zero Kind is none of them.
// See https://go.dev/ref/mod#goproxy-protocol.
type Kind uint8

const (
	List   Kind = iota + 1 // $module/@v/list: the known versions, a line each
	Latest                 // $module/@latest: metadata of the latest version
	Info                   // $module/@v/$version.info: metadata of a version or version query
	Mod                    // $module/@v/$version.mod: the go.mod file
	Zip                    // $module/@v/$version.zip: the module's files

	SumDBSupported // sumdb/$name/supported: does the source speak for this database?
	SumDBLatest    // sumdb/$name/latest: the signed tree head
	SumDBLookup    // sumdb/$name/lookup/$module@$version: the go.sum lines
	SumDBTile      // sumdb/$name/tile/...: a tile of the transparency log
)

var kindNames = [...]string{
	List: "list", Latest: "latest", Info: "info", Mod: "mod", Zip: "zip",
	SumDBSupported: "sumdb supported", SumDBLatest: "sumdb latest",
	SumDBLookup: "sumdb lookup", SumDBTile: "sumdb tile",
}

// String returns a short name such as "list" or "sumdb tile".
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// SumDB reports whether k is a resource of a checksum database.
func (k Kind) SumDB() bool { return k >= SumDBSupported && k <= SumDBTile }

// MaxSize returns the largest body, in bytes, that is accepted for k. For zips
// and go.mod files it is the go command's own limit (golang.org/x/mod/zip).
func (k Kind) MaxSize() int64 {
	switch k {
	case Zip:
		return zip.MaxZipFile
	case Mod:
		return zip.MaxGoMod
	case List, SumDBTile: // a full tile of record data is 256 go.sum entries
		return 4 << 20
	default:
		return 1 << 20
	}
}
