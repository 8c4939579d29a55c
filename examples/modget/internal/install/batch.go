package install

import (
	"iter"

	"golang.org/x/mod/module"
)

// maxArguments bounds the arguments of one go command, in bytes: half of what
// Windows takes, which takes least.
const maxArguments = 16 << 10

// batches cuts modules into pieces that fit a command line. A module that does not
// is a piece by itself.
func batches(modules []module.Version) iter.Seq[[]module.Version] {
	return func(yield func([]module.Version) bool) {
		begin, size := 0, 0
		for i, m := range modules {
			length := len(m.Path) + len("@") + len(m.Version) + len(" ")
			if size+length > maxArguments && i > begin {
				if !yield(modules[begin:i]) {
					return
				}
				begin, size = i, 0
			}
			size += length
		}
		if begin < len(modules) {
			yield(modules[begin:])
		}
	}
}
