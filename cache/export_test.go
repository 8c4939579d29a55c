package cache

// LockByFiles has the store lock as where bytes cannot be locked, until its directory
// is made anew.
func (d *Disk) LockByFiles() {
	if r := d.place.Load().ranges.Swap(nil); r != nil {
		r.giveUp()
	}
}

// RangesWork is whether a lock is a byte, and no file of its own.
const RangesWork = rangesWork
