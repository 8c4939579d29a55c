package display

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// A screen is a terminal with rows at its lower end that are drawn anew each time. The
// progress library writes each frame at once, and moves the cursor up over the rows of
// the last one, erasing all from there. Three things it does not know:
//
//   - the terminal echoes what is typed, "^C" at least, so the cursor may not be where
//     it was left: a frame begins at the left edge;
//   - a terminal that has become narrower breaks rows that no longer fit, so there are
//     more of them than were drawn: the cursor goes up over those too;
//   - tmux saves what is erased from the upper left corner, so that each frame that begins
//     there would stay in its history: all but one column is erased, and that is blanked.
type screen struct {
	w     io.Writer
	size  func() (columns, rows int)
	drawn []int // widths of the rows that are on the terminal
	next  []int // of those in the frame to come
}

// Write writes a frame. It is for one goroutine at a time.
func (s *screen) Write(p []byte) (int, error) {
	columns, _ := s.size()
	broken := 0
	for _, width := range s.drawn {
		broken += max(0, width-1) / columns
	}
	frame := strings.Replace(string(p), "\x1b[J", " \x1b[J\r", 1)
	begin := "\r"
	if broken > 0 {
		begin += fmt.Sprintf("\x1b[%dA", broken)
	}
	s.drawn = s.next
	if _, err := io.WriteString(s.w, begin+frame); err != nil {
		return 0, err
	}
	return len(p), nil
}

// sizeOf returns what tells the size of the terminal behind w.
func sizeOf(w io.Writer, opts *Options) func() (columns, rows int) {
	ask := func() (int, int) { return 0, 0 }
	if f, ok := w.(*os.File); ok {
		ask = func() (int, int) {
			columns, rows, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 0, 0
			}
			return columns, rows
		}
	}
	if opts != nil && opts.Size != nil {
		ask = opts.Size
	}
	return func() (int, int) {
		columns, rows := ask()
		if columns <= 0 {
			columns = 80
		}
		if rows <= 0 {
			rows = 24
		}
		return columns, rows
	}
}
