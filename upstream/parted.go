package upstream

// Parted is implemented by a source that stands for many servers and takes its
// time, as one that fetches from version control does. What befalls one of the
// servers must not keep the others out. Such a source is asked only when those
// before it have failed, never beside them, and not again because it is silent:
// asking twice would cost twice.
type Parted interface {
	Upstream

	// Part names the server that req is for, or the smallest group of servers of
	// which that is known. It asks nobody.
	Part(req Request) string
}

// isReluctant reports whether u is asked only when those before it have failed.
func isReluctant(u Upstream) bool {
	if _, ok := As[nothing](u); ok {
		return true
	}
	_, ok := As[Parted](u)
	return ok
}
