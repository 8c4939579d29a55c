//go:build unix && !linux

package readme_test

// alone is for Linux.
func alone() (status int, ok bool) { return 0, false }
