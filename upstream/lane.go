package upstream

// A Lane is a class of requests that fare alike at a source. What is measured
// and limited is so in each lane apart: a source that cannot deliver zips may
// still be good for go.mod files, and a large zip says nothing about how long a
// small file takes.
type Lane uint8

const (
	SmallFiles Lane = iota // lists, .info and go.mod files
	Zips                   // the modules' files
	SumDBs                 // what checksum databases serve

	Lanes = 3 // how many there are
)

// String returns a short name such as "zips".
func (l Lane) String() string {
	switch l {
	case Zips:
		return "zips"
	case SumDBs:
		return "checksum database"
	}
	return "small files"
}

// Lane returns the lane that requests of kind k belong to.
func (k Kind) Lane() Lane {
	switch {
	case k.SumDB():
		return SumDBs
	case k == Zip:
		return Zips
	}
	return SmallFiles
}
