package install

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/mod/module"
)

// A NoGoError says that there is no go command to install with.
type NoGoError struct {
	Err error // where it was looked for
}

// Error says what to do.
func (e *NoGoError) Error() string {
	return fmt.Sprintf("the go command is needed to install into GOMODCACHE (%v): install Go, or unpack into a directory", e.Err)
}

// Unwrap returns the cause.
func (e *NoGoError) Unwrap() error { return e.Err }

// A NotWritableError says that nothing can be written where modules were to go.
type NotWritableError struct {
	Dir string
	Err error
}

// Error says what to do.
func (e *NotWritableError) Error() string {
	return fmt.Sprintf("%s cannot be written (%v): name a directory that is yours", e.Dir, e.Err)
}

// Unwrap returns the cause.
func (e *NotWritableError) Unwrap() error { return e.Err }

// A DiskFullError says that a module had no room. What was installed before it is
// whole, and the same call goes on there.
type DiskFullError struct {
	Module module.Version

	// Need is how many bytes the module takes, at the least, and Free how many
	// there are. Both are 0 where the operating system itself said that there is
	// no room; if it was the go command that failed, it is concluded from them.
	Need, Free int64

	Err error // in the words of whoever could not write
}

// Error says what to do.
func (e *DiskFullError) Error() string {
	room := ""
	if e.Need > 0 {
		room = fmt.Sprintf(", which takes %d bytes where %d are free", e.Need, e.Free)
	}
	return fmt.Sprintf("the disk is full: no room for %s%s (%v): make room and run the same again", e.Module, room, e.Err)
}

// Unwrap returns the cause.
func (e *DiskFullError) Unwrap() error { return e.Err }

// A GoError is what the go command says of a module that it did not install.
type GoError struct {
	Module module.Version
	Text   string // in its own words, which may be several lines
}

// Error gives the go command's text in one line.
func (e *GoError) Error() string {
	text := strings.Join(strings.Fields(e.Text), " ")
	if text == "" {
		text = "it failed and does not say why"
	}
	return fmt.Sprintf("installing %s: the go command says: %s", e.Module, text)
}

// isFull reports whether err is the operating system's word that there is no room
// on the disk, or no more for this user.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// inPlace says what an error of preparing dir means for whoever named it.
func inPlace(dir string, err error) error {
	if err == nil || isFull(err) {
		return err
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return &NotWritableError{Dir: dir, Err: err}
	}
	return err
}

// maxErrors is how many modules' errors are joined; of more than that it is told
// how many there are.
const maxErrors = 100

// failures are the errors of modules.
type failures struct {
	first []error
	more  int
}

func (f *failures) add(err error) {
	switch {
	case err == nil:
	case len(f.first) < maxErrors:
		f.first = append(f.first, err)
	default:
		f.more++
	}
}

// join joins them, and one that comes last; nil if there are none.
func (f *failures) join(last error) error {
	all := f.first
	if f.more > 0 {
		all = append(all, fmt.Errorf("and %d more modules failed", f.more))
	}
	return errors.Join(append(all, last)...)
}
