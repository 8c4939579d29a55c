package display

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A frame is drawn each refreshEvery. Rates and the estimate look back for about the
// time that the others say: longer for what comes in larger steps.
const (
	refreshEvery  = 200 * time.Millisecond
	zipMemory     = 3 * time.Second
	bytesMemory   = 5 * time.Second
	modulesMemory = 15 * time.Second
)

// maxShown bounds how many modules have a bar, however high the terminal is.
const maxShown = 16

// bars draws a bar for the whole, and above it one for each module under way. To the
// progress library all of them are one bar of several rows, because only so can rows be
// left out where the terminal has no room for them.
//
// Its fields but progress and screen belong to the goroutine that draws.
type bars struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	screen   *screen
	look     func() view

	zips    map[*Item]*pace // of those that were under way in the last frame
	bytes   pace
	modules pace // a module that is half here counts as half of one
	frames  int
	above   []string // the rows above that of the whole, from the uppermost
}

func newBars(w io.Writer, size func() (columns, rows int), look func() view) *bars {
	b := &bars{screen: &screen{w: w, size: size}, look: look, zips: map[*Item]*pace{}}
	b.progress = mpb.New(mpb.WithOutput(b.screen), mpb.WithAutoRefresh(), mpb.WithRefreshRate(refreshEvery))
	b.bar = b.progress.MustAdd(0, mpb.BarFillerFunc(b.fillWhole),
		mpb.BarFillerTrim(), mpb.BarExtender(mpb.BarFillerFunc(b.fillAbove), true))
	return b
}

// stop takes the bars off the terminal and waits for their goroutines.
func (b *bars) stop() {
	b.bar.Abort(true)
	b.progress.Wait()
	b.screen.drawn, b.screen.next = nil, nil
}

// Write writes lines above the bars, or after stop where they were.
func (b *bars) Write(lines []byte) (int, error) {
	n, err := b.progress.Write(lines)
	if errors.Is(err, mpb.ErrDone) {
		return b.screen.Write(lines)
	}
	return n, err
}

// fillWhole draws the frame, and writes the row of the whole: the library asks for it
// first, and then for those above.
func (b *bars) fillWhole(w io.Writer, _ decor.Statistics) error {
	rows := b.draw(time.Now())
	b.screen.next = b.screen.next[:0:0]
	for _, row := range rows {
		b.screen.next = append(b.screen.next, len(row))
	}
	last := len(rows) - 1
	b.above = rows[:last]
	_, err := io.WriteString(w, rows[last])
	return err
}

// fillAbove writes the rows above, from the lowest, as the library wants them.
func (b *bars) fillAbove(w io.Writer, _ decor.Statistics) error {
	for i := len(b.above) - 1; i >= 0; i-- {
		if _, err := io.WriteString(w, b.above[i]+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// draw returns the rows of a frame, that of the whole last.
func (b *bars) draw(now time.Time) []string {
	v := b.look()
	b.frames++
	shown := make([]row, 0, len(v.underway)+1)
	zips := make(map[*Item]*pace, len(v.underway))
	bytes, modules := v.tally.Bytes, float64(v.tally.ended())
	for n, i := range v.underway {
		p := b.zips[i]
		if p == nil {
			p = &pace{}
		}
		zips[i] = p
		received := v.from[n].received()
		p.observe(now, float64(received), zipMemory)
		bytes += received
		if v.from[n].size > 0 {
			modules += float64(received) / float64(v.from[n].size)
		}
		shown = append(shown, zipRow(i.module, v.from[n], received, p.perSecond()))
	}
	b.zips = zips
	b.bytes.observe(now, float64(bytes), bytesMemory)
	b.modules.observe(now, modules, modulesMemory)
	columns, height := b.screen.size()
	shown, more := fewer(shown, min(maxShown, height-3))
	rows := layout(append(shown, b.wholeRow(v, bytes, modules)), columns-1, b.frames)
	return withMore(rows, more, columns-1)
}

// wholeRow is the row of all modules together.
func (b *bars) wholeRow(v view, bytes int64, modules float64) row {
	ended := v.tally.ended()
	speed := rate(b.bytes.perSecond())
	if v.tally.Expected == 0 {
		label := fmt.Sprintf("%d %s", ended, plural("module", ended))
		return row{label: label, short: label, numbers: numbers(size(bytes), speed, ""), few: few(size(bytes), speed, "")}
	}
	all := max(v.tally.Expected, ended+len(v.underway))
	eta, left := "", ""
	if d, known := b.modules.left(float64(all) - modules); known {
		left = remaining(d)
		eta = "ETA " + left
	}
	return row{
		label:   fmt.Sprintf("%d of %d %s", ended, all, plural("module", all)),
		short:   fmt.Sprintf("%d/%d", ended, all),
		numbers: numbers(size(bytes), speed, eta), few: few(size(bytes), speed, left),
		bar: measured, part: modules / float64(all),
	}
}
