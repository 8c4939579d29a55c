package display_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"golang.org/x/mod/module"
)

// watch runs script against Bars on a terminal of so many columns and rows, in a bubble.
// Look returns what is on the terminal.
func watch(t *testing.T, columns, rows int, script func(d *display.Display, tty *terminal, look func() string)) string {
	t.Helper()
	tty := newTerminal(columns, rows)
	synctest.Test(t, func(t *testing.T) {
		d := display.New(io.Discard, tty, display.Bars, &display.Options{Size: tty.Size})
		script(d, tty, func() string {
			time.Sleep(250 * time.Millisecond) // a frame and a little
			synctest.Wait()
			return tty.text()
		})
		d.Close()
	})
	return tty.text()
}

// underway begins three modules: one that comes at 1 MiB/s, one whose size is not
// known, at 100 KiB/s, and one of which nothing comes.
func underway(d *display.Display) {
	began := time.Now()
	here := func(perSecond int64) func() int64 {
		return func() int64 { return perSecond * time.Since(began).Milliseconds() / 1000 }
	}
	d.Begin(modV042).Arriving(proxy, 10<<20, here(1<<20))
	d.Begin(module.Version{Path: "github.com/grpc-ecosystem/grpc-gateway/v2", Version: "v2.27.3"}).Arriving(proxy, 0, here(100<<10))
	d.Begin(netLatest)
}

func TestBars(t *testing.T) {
	for _, tt := range []struct {
		name          string
		columns, rows int
		want          string
	}{
		{"wide", 100, 24, `
golang.org/x/mod v0.42.0                          [===>      ]     4.2 MiB of 10.0 MiB    1.0 MiB/s
github.com/grpc-ecosystem/grpc-gateway/v2         [       <=>]    420 KiB    100 KiB/s
golang.org/x/net latest                                                                     waiting
1 of 20 modules                                   [>         ]    4.6 MiB    1.1 MiB/s  ETA 3m06s
`},
		{"narrow", 40, 24, `
golang.org/x/mod v0.42.0  41% 1.0 MiB/s
...em/grpc-gateway/v2 420 KiB 100 KiB/s
golang.org/x/net latest         waiting
1 of 20 modules 4.6 MiB 1.1 MiB/s 3m06s
`},
		{"very narrow", 12, 24, `
41% 1.0 MiB
420 KiB 100
waiting
4.6 MiB 1.1
`},
		{"low", 80, 5, `
golang.org/x/mod v0.42.0  [=====>        ]     4.2 MiB of 10.0 MiB    1.0 MiB/s
... and 2 more
1 of 20 modules           [>             ]    4.6 MiB    1.1 MiB/s  ETA 3m06s
`},
		{"lowest", 80, 2, `
1 of 20 modules  [=>                     ]    4.6 MiB    1.1 MiB/s  ETA 3m06s
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			watch(t, tt.columns, tt.rows, func(d *display.Display, _ *terminal, look func() string) {
				d.Expect(20)
				d.Begin(textV09).Done(display.Result{Cached: true})
				underway(d)
				time.Sleep(4 * time.Second)
				equal(t, "the terminal", strings.TrimPrefix(tt.want, "\n"), look())
			})
		})
	}
}

// At the end nothing is left but what was said, in the order in which it was, and the
// summary.
func TestBarsLeaveTheTerminalClean(t *testing.T) {
	got := watch(t, 40, 24, func(d *display.Display, _ *terminal, look func() string) {
		d.Expect(4)
		underway(d)
		d.Note("left https://mirror.example: connection refused")
		look()
		d.Begin(textV09).Done(display.Result{Err: errors.New("no luck")})
		look()
		d.Note("the last word")
	})
	want := "left https://mirror.example: connection\nrefused\n" +
		"golang.org/x/text v0.9.0  failed: no luc\nk\n" +
		"the last word\n" +
		"0 of 4 modules: 1 failed in 0.5s\n"
	equal(t, "the terminal", want, got)
}

// "^C", or whatever else is typed, is shown by the terminal behind the cursor.
func TestBarsCoverWhatIsTyped(t *testing.T) {
	got := watch(t, 80, 24, func(d *display.Display, tty *terminal, look func() string) {
		d.Expect(3)
		underway(d)
		look()
		tty.Write([]byte("^C and much else that is typed"))
	})
	equal(t, "the terminal", "0 of 3 modules in 0.2s\n", got)
}

// A window that becomes narrower breaks the rows, one that becomes wider does not.
func TestBarsFollowTheWindow(t *testing.T) {
	var narrow, wide string
	got := watch(t, 100, 30, func(d *display.Display, tty *terminal, look func() string) {
		d.Expect(3)
		underway(d)
		d.Note("before")
		look()
		tty.resize(35, 30)
		narrow = look()
		tty.resize(90, 30)
		wide = look()
	})
	for _, tt := range []struct {
		name, text string
		rows       int
	}{{"narrow", narrow, 5}, {"wide", wide, 5}} {
		if n := strings.Count(tt.text, "\n"); n != tt.rows {
			t.Errorf("when %s there are %d rows, want %d:\n%s", tt.name, n, tt.rows, tt.text)
		}
	}
	equal(t, "the terminal", "before\n0 of 3 modules in 0.8s\n", got)
}

// Time left is told from how many modules came, and only where that is known: not at
// first, and not when all have begun to hang.
func TestETA(t *testing.T) {
	watch(t, 100, 24, func(d *display.Display, _ *terminal, look func() string) {
		if text := look(); strings.Contains(text, "ETA") {
			t.Errorf("before anything is known:\n%s", text)
		}
		d.Expect(100)
		for n := range 40 {
			i := d.Begin(module.Version{Path: fmt.Sprintf("example.com/m%d", n), Version: "v1.0.0"})
			time.Sleep(time.Second)
			i.Done(display.Result{Bytes: 1 << 20, Source: proxy})
			if n == 0 {
				if text := look(); strings.Contains(text, "ETA") {
					t.Errorf("after one module:\n%s", text)
				}
			}
		}
		want := "40 of 100 modules  [==========>                 ]   40.0 MiB    1.1 MiB/s  ETA 59s\n"
		equal(t, "after 40 modules", want, look())
		hung := d.Begin(modV042)
		time.Sleep(5 * time.Minute)
		if text := look(); strings.Contains(text, "ETA") {
			t.Errorf("after 5 minutes in which nothing came:\n%s", text)
		}
		hung.Done(display.Result{Err: canceled()})
	})
}

// A module that is half here is half done: the last one, if it is large, does not stop
// the clock.
func TestETAWithinALargeModule(t *testing.T) {
	watch(t, 100, 24, func(d *display.Display, _ *terminal, look func() string) {
		d.Expect(1)
		began := time.Now()
		d.Begin(modV042).Arriving(proxy, 100<<20, func() int64 { return int64(time.Since(began).Seconds() * (1 << 20)) })
		time.Sleep(25 * time.Second)
		if text := look(); !strings.Contains(text, "ETA 1m15s") {
			t.Errorf("a quarter came in 25 s, and it does not say that 1m15s are left:\n%s", text)
		}
	})
}

// A source that goes on for another may begin anew.
func TestAnotherSourceGoesOn(t *testing.T) {
	watch(t, 100, 24, func(d *display.Display, _ *terminal, look func() string) {
		here := func() func() int64 {
			began := time.Now()
			return func() int64 { return int64(time.Since(began).Seconds() * (1 << 20)) }
		}
		i := d.Begin(modV042)
		i.Arriving("https://mirror.example", 20<<20, here())
		time.Sleep(5 * time.Second)
		i.Arriving(proxy, 40<<20, here())
		time.Sleep(2 * time.Second)
		if text := look(); !strings.Contains(text, "2.2 MiB of 40.0 MiB    989 KiB/s") {
			t.Errorf("it does not show the source that goes on, and about how fast:\n%s", text)
		}
	})
}
