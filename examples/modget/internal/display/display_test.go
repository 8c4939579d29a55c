package display_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/google/go-cmp/cmp"
)

func TestModes(t *testing.T) {
	const failures = "example.com/none v1.0.0  failed: https://proxy.example: not found (status 404): no such module." +
		" Check the spelling of the path and the version.\n" +
		"example.com/full main  failed: write cache/zip: no space left on device." +
		" Free some space on the disk, and try again.\n"
	const note = "left https://mirror.example: connection refused\n"
	const summary = "3 of 6 modules: 2 fetched (1.3 MiB), 1 from the cache, 2 failed, 1 stopped in 0.4s;" +
		" run it again to go on, what is done is kept\n"
	for _, tt := range []struct {
		name             string
		mode             display.Mode
		out, diagnostics string
	}{
		{
			name: "plain", mode: display.Plain,
			out: "golang.org/x/mod v0.42.0  130 KiB  from https://proxy.example  0.4s\n" +
				"golang.org/x/net v0.50.0  1.2 MiB  from https://proxy.example  1m03s\n" +
				"golang.org/x/text v0.9.0  8.0 MiB  cached\n",
			diagnostics: note + failures + summary,
		},
		{name: "quiet", mode: display.Quiet, diagnostics: failures},
		{
			name: "json", mode: display.JSON,
			out: `{"type":"module","path":"golang.org/x/mod","version":"v0.42.0","bytes":133120,"source":"https://proxy.example","cached":false,"verified":"checksum database","took_ms":400}
{"type":"module","path":"golang.org/x/net","version":"v0.50.0","query":"latest","bytes":1258291,"source":"https://proxy.example","cached":false,"verified":"go.sum","took_ms":63000}
{"type":"module","path":"golang.org/x/text","version":"v0.9.0","bytes":8388608,"cached":true,"verified":"checksum database","took_ms":0}
{"type":"module","path":"example.com/none","version":"v1.0.0","bytes":0,"cached":false,"took_ms":0,"error":{"class":"not found","text":"example.com/none@v1.0.0 (zip): https://proxy.example: not found (status 404): no such module\n\thttps://mirror.example: not found (status 410)"}}
{"type":"module","path":"example.com/full","query":"main","bytes":0,"cached":false,"took_ms":0,"error":{"class":"local","text":"write cache/zip: no space left on device"}}
{"type":"module","path":"example.com/gone","version":"v1.0.0","bytes":0,"cached":false,"took_ms":0,"error":{"class":"canceled","text":"canceled"}}
{"type":"summary","expected":6,"fetched":2,"cached":1,"failed":2,"canceled":1,"bytes":1391411,"took_ms":400}
`,
			diagnostics: note,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := play(t, tt.mode, download)
			equal(t, "standard output", tt.out, got.out)
			equal(t, "diagnostics", tt.diagnostics, got.diagnostics)
			want := display.Summary{Expected: 6, Fetched: 2, Cached: 1, Failed: 2, Canceled: 1, Bytes: 1391411, Took: 400 * time.Millisecond}
			if diff := cmp.Diff(want, got.summary); diff != "" {
				t.Errorf("the summary (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	for _, tt := range []struct {
		summary display.Summary
		want    string
	}{
		{display.Summary{}, "0 modules in 0.0s"},
		{display.Summary{Expected: 1, Fetched: 1, Bytes: 100, Took: time.Second}, "1 module: 1 fetched (100 B, 100 B/s) in 1.0s"},
		{display.Summary{Expected: 3, Cached: 3, Took: 59960 * time.Millisecond}, "3 modules: 3 from the cache in 1m00s"},
		{display.Summary{Expected: 3, Fetched: 2, Bytes: 3 << 30, Took: 3720 * time.Second}, "2 of 3 modules: 2 fetched (3.0 GiB, 846 KiB/s) in 1h02m"},
		{display.Summary{Cached: 2, Took: time.Second}, "2 modules: 2 from the cache in 1.0s"},
	} {
		equal(t, "the summary", tt.want, tt.summary.String())
	}
}

// In a build's log, silence is broken, ever more seldom, and not while modules come.
func TestSaysWhatIsWaitedFor(t *testing.T) {
	got := play(t, display.Plain, func(d *display.Display) {
		d.Expect(3)
		d.Begin(modV042).Arriving(proxy, 4<<20, func() int64 { return 1 << 20 })
		second := d.Begin(textV09)
		time.Sleep(9 * time.Second)
		second.Done(display.Result{Cached: true})
		time.Sleep(9 * time.Second)
		third := d.Begin(netLatest)
		time.Sleep(62 * time.Second)
		third.Done(display.Result{Cached: true})
		time.Sleep(11 * time.Second)
	})
	const waiting = "waiting for golang.org/x/mod v0.42.0"
	const progress = ": 1.0 MiB of 4.0 MiB from https://proxy.example\n"
	want := waiting + " and 1 more" + progress + // 10 s after the second
		waiting + " and 1 more" + progress + // 20 s later
		waiting + " and 1 more" + progress + // 40 s later
		waiting + progress + // the third came, and 10 s went by
		"2 of 3 modules: 2 from the cache in 1m31s\n"
	equal(t, "diagnostics", want, got.diagnostics)
}

func TestSaysThatNothingHasCome(t *testing.T) {
	got := play(t, display.Plain, func(d *display.Display) {
		i := d.Begin(modV042)
		time.Sleep(11 * time.Second)
		i.Arriving("odd\x1b[2Jsource", 0, func() int64 { return 3 << 10 })
		time.Sleep(20 * time.Second)
	})
	want := "waiting for golang.org/x/mod v0.42.0: nothing has come yet\n" +
		"waiting for golang.org/x/mod v0.42.0: 3 KiB from odd\ufffd[2Jsource\n" +
		"0 modules in 31.0s\n"
	equal(t, "diagnostics", want, got.diagnostics)
}

// A full disk or a closed pipe is not written to again, stops nothing, and is told at
// the end.
func TestWriterFails(t *testing.T) {
	errFull := errors.New("no space")
	for _, tt := range []struct {
		name      string
		mode      display.Mode
		out, diag error
		want      error
	}{
		{"bars", display.Bars, nil, errFull, errFull},
		{"bars write nothing to standard output", display.Bars, errFull, nil, nil},
		{"plain results", display.Plain, errFull, nil, errFull},
		{"plain diagnostics", display.Plain, nil, errFull, errFull},
		{"json", display.JSON, errFull, nil, errFull},
		{"quiet", display.Quiet, nil, errFull, errFull},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, diagnostics := &failing{err: tt.out}, &failing{err: tt.diag}
			synctest.Test(t, func(t *testing.T) {
				d := display.New(out, diagnostics, tt.mode, nil)
				download(d)
				time.Sleep(time.Second)
				s := d.Close()
				if !errors.Is(s.Err, tt.want) || (s.Err == nil) != (tt.want == nil) {
					t.Errorf("Close says %v, want %v", s.Err, tt.want)
				}
				if s.Fetched != 2 {
					t.Errorf("%d modules are counted as fetched, want 2", s.Fetched)
				}
			})
			for _, w := range []*failing{out, diagnostics} {
				if w.err != nil && w.calls > 1 {
					t.Errorf("a writer that failed was called %d times", w.calls)
				}
			}
		})
	}
}

type failing struct {
	err   error
	calls int
}

func (f *failing) Write(p []byte) (int, error) {
	f.calls++
	return len(p), f.err
}

// A reader that does not read delays Close, and nobody who downloads.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		d := display.New(w, io.Discard, display.JSON, nil)
		for range 1000 {
			d.Begin(modV042).Done(display.Result{Cached: true})
		}
		var lines int
		var reading sync.WaitGroup
		reading.Go(func() {
			for dec := json.NewDecoder(r); dec.Decode(new(struct{})) == nil; {
				lines++
			}
		})
		d.Close()
		w.Close()
		reading.Wait()
		if lines != 1001 {
			t.Errorf("%d lines, want one for each module and the summary", lines)
		}
	})
}

// Whatever many goroutines do at once, also while it is closed, no line is torn and the
// summary is the last.
func TestManyAtOnce(t *testing.T) {
	for _, mode := range []display.Mode{display.Bars, display.Plain, display.JSON, display.Quiet} {
		synctest.Test(t, func(t *testing.T) {
			var out strings.Builder
			d := display.New(&out, io.Discard, mode, nil)
			var all sync.WaitGroup
			for n := range 200 {
				all.Go(func() {
					time.Sleep(time.Duration(n) * 10 * time.Millisecond)
					d.Expect(1)
					i := d.Begin(modV042)
					i.Arriving(proxy, int64(n), func() int64 { return 7 })
					d.Note("a note")
					time.Sleep(50 * time.Millisecond)
					i.Done(display.Result{Bytes: 1, Source: proxy})
				})
			}
			time.Sleep(time.Second)
			var closed [2]display.Summary
			for n := range closed {
				all.Go(func() { closed[n] = d.Close() })
			}
			all.Wait()
			if diff := cmp.Diff(closed[0], closed[1]); diff != "" {
				t.Errorf("Close called twice returns different things (-one +other):\n%s", diff)
			}
			if mode == display.JSON {
				checkObjects(t, out.String(), closed[0].Fetched)
			}
		})
	}
}

func checkObjects(t *testing.T, text string, modules int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		var object struct{ Type string }
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		if want := i == len(lines)-1; (object.Type == "summary") != want {
			t.Errorf("line %d of %d is a %s", i+1, len(lines), object.Type)
		}
	}
	if len(lines) != modules+1 {
		t.Errorf("%d lines for %d modules and the summary", len(lines), modules)
	}
}
