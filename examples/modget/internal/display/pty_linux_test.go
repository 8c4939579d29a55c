package display_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"golang.org/x/sys/unix"
)

// openPTY returns both ends of a pseudo-terminal: that of who looks at it and types, and
// that of the program.
func openPTY(t *testing.T, columns, rows uint16) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	fd := int(user.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

// seen copies what the program writes to a terminal that remembers it, and returns what
// waits until the program has closed its end.
func seen(t *testing.T, user *os.File, tty *terminal, until string) (found <-chan struct{}, wait func()) {
	t.Helper()
	signal := make(chan struct{})
	var copying sync.WaitGroup
	copying.Go(func() {
		buf := make([]byte, 4096)
		once := sync.OnceFunc(func() { close(signal) })
		for {
			n, err := user.Read(buf)
			tty.Write(buf[:n])
			if strings.Contains(tty.text(), until) {
				once()
			}
			if err != nil {
				return // EIO: nobody has the other end open
			}
		}
	})
	return signal, copying.Wait
}

func TestBarsOnAPseudoTerminal(t *testing.T) {
	user, program := openPTY(t, 60, 10)
	tty := newTerminal(60, 10)
	half, wait := seen(t, user, tty, "50%")
	d := display.New(io.Discard, program, display.Bars, nil)
	d.Expect(2)
	d.Note("a note that stays")
	i := d.Begin(modV042)
	i.Arriving(proxy, 4<<20, func() int64 { return 2 << 20 })
	<-half
	if _, err := io.WriteString(user, "^C"); err != nil { // as the terminal shows it
		t.Fatal(err)
	}
	i.Done(display.Result{Err: canceled()})
	s := d.Close()
	if s.Err != nil || s.Canceled != 1 {
		t.Errorf("Close returns %+v", s)
	}
	program.Close()
	wait()
	const rest = " of 2 modules: 1 stopped in "
	lines := strings.Split(tty.text(), "\n")
	if len(lines) < 2 || lines[0] != "a note that stays" || !strings.Contains(lines[1], rest) {
		t.Errorf("the terminal shows\n%s\nwant the note and the summary only", tty.text())
	}
}

func TestModeFor(t *testing.T) {
	_, terminal := openPTY(t, 80, 24)
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	defer other.Close()
	for _, tt := range []struct {
		name    string
		f       *os.File
		environ map[string]string
		want    display.Mode
	}{
		{"a terminal", terminal, map[string]string{"TERM": "xterm"}, display.Bars},
		{"without colours", terminal, map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, display.Bars},
		{"CI that is off", terminal, map[string]string{"TERM": "xterm", "CI": "false"}, display.Bars},
		{"a terminal of a build", terminal, map[string]string{"TERM": "xterm", "CI": "true"}, display.Plain},
		{"a dumb terminal", terminal, map[string]string{"TERM": "dumb"}, display.Plain},
		{"a terminal that does not say what it is", terminal, nil, display.Plain},
		{"a pipe", other, map[string]string{"TERM": "xterm"}, display.Plain},
		{"nothing", nil, map[string]string{"TERM": "xterm"}, display.Plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := display.ModeFor(tt.f, func(k string) string { return tt.environ[k] }); got != tt.want {
				t.Errorf("the mode is %d, want %d", got, tt.want)
			}
		})
	}
}
