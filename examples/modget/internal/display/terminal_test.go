package display_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// terminal does what a terminal does with what a Display writes to it: it wraps, scrolls,
// moves the cursor up, erases below it, and breaks lines anew when it is resized.
type terminal struct {
	mu            sync.Mutex
	columns, rows int
	lines         []screenLine
	x, y          int
	escape        string // the part of an escape sequence that has come
}

type screenLine struct {
	text []rune
	goes bool // whether the next line goes on with it, for it was too long
}

func newTerminal(columns, rows int) *terminal {
	return &terminal{columns: columns, rows: rows, lines: make([]screenLine, 1)}
}

func (t *terminal) Size() (int, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.columns, t.rows
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range string(p) {
		t.put(r)
	}
	return len(p), nil
}

func (t *terminal) put(r rune) {
	switch {
	case t.escape != "":
		t.escape += string(r)
		if r != '[' && (r < '0' || r > '9') {
			t.control(t.escape[2:len(t.escape)-1], r)
			t.escape = ""
		}
	case r == '\x1b':
		t.escape = string(r)
	case r == '\r':
		t.x = 0
	case r == '\n':
		t.x = 0
		t.down()
	default:
		t.print(r)
	}
}

func (t *terminal) control(argument string, what rune) {
	switch what {
	case 'A':
		n, _ := strconv.Atoi(argument)
		t.y = max(t.y-n, t.top())
	case 'J':
		if t.x == 0 && t.y == t.top() { // tmux keeps what is erased from the corner
			t.lines = append(t.lines, make([]screenLine, t.rows)...)
			t.y = t.top()
		}
		t.lines = t.lines[:t.y+1]
		line := &t.lines[t.y]
		line.text, line.goes = line.text[:min(t.x, len(line.text))], false
	default:
		panic("an escape that was not expected: " + argument + string(what))
	}
}

func (t *terminal) print(r rune) {
	if t.x == t.columns {
		t.lines[t.y].goes = true
		t.x = 0
		t.down()
	}
	line := &t.lines[t.y]
	for len(line.text) <= t.x {
		line.text = append(line.text, ' ')
	}
	line.text[t.x] = r
	t.x++
}

func (t *terminal) down() {
	t.y++
	if t.y == len(t.lines) {
		t.lines = append(t.lines, screenLine{})
	}
}

// top is the first line that is on the screen: those above have scrolled off.
func (t *terminal) top() int { return max(0, len(t.lines)-t.rows) }

// resize changes the size. The cursor stays on the last line.
func (t *terminal) resize(columns, rows int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.columns, t.rows = columns, rows
	var whole []rune
	var lines []screenLine
	for _, line := range t.lines {
		whole = append(whole, line.text...)
		if line.goes {
			continue
		}
		parts := slices.Collect(slices.Chunk(whole, columns))
		for i, part := range parts {
			lines = append(lines, screenLine{part, i < len(parts)-1})
		}
		if len(parts) == 0 {
			lines = append(lines, screenLine{})
		}
		whole = nil
	}
	t.lines, t.y = lines, len(lines)-1
}

// text returns all that was shown and not erased, also what has scrolled off, without
// what is blank at the ends.
func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, line := range t.lines {
		b.WriteString(strings.TrimRight(string(line.text), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
