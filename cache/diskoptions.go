package cache

// DiskOptions tunes a disk store. A nil *DiskOptions and zero fields mean the
// defaults.
type DiskOptions struct {
	// NoSync leaves out the fsync of content and of directories. After a crash
	// of the machine an entry may then be gone, or have the right size and wrong
	// bytes, which its first reader finds out. Default: false.
	NoSync bool

	// OnCorruption is called when an entry was found damaged, by the goroutine
	// that found it. Default: nobody is told.
	OnCorruption func(Corruption)

	// Bounds is what the directory may take. Default: there are none.
	Bounds Bounds

	// OnEviction is called after entries were removed to make room, in the
	// background. Default: nobody is told.
	OnEviction func(Eviction)
}

// DiskStats are figures of a disk store. Without Bounds only damage is counted.
type DiskStats struct {
	Entries int64 // as far as this process knows
	Bytes   int64 // of their content
	Damaged int64 // entries found damaged by this process
	Evicted int64 // entries removed by this process to make room
}

// Stats returns what the store holds and what has happened to it since it was
// opened.
func (d *Disk) Stats() DiskStats {
	held := d.account.now()
	return DiskStats{Entries: held.files, Bytes: held.bytes, Damaged: d.corrupt.Load(), Evicted: d.evicted.Load()}
}
