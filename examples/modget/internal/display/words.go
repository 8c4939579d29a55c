package display

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// size returns n bytes in words: "512 B", "130 KiB", "1.2 MiB".
func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	x := float64(n) / 1024
	if x < 1023.5 {
		return fmt.Sprintf("%.0f KiB", x)
	}
	for _, unit := range []string{"MiB", "GiB"} {
		x /= 1024
		if x < 1023.95 {
			return fmt.Sprintf("%.1f %s", x, unit)
		}
	}
	return fmt.Sprintf("%.1f TiB", x/1024)
}

// rate returns bytes per second in words; nothing if there are none.
func rate(perSecond float64) string {
	if perSecond < 1 {
		return ""
	}
	return size(int64(perSecond)) + "/s"
}

// elapsed returns how long something took: "0.4s", "2m03s", "1h02m".
func elapsed(d time.Duration) string {
	if d < 59950*time.Millisecond {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return remaining(d)
}

// remaining returns how long something will take, no finer than can be known: "8s",
// "2m03s", "1h02m".
func remaining(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%dh%02dm", seconds/3600, seconds/60%60)
}

func plural(noun string, n int) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// Printable makes text fit for a line of a terminal: one line, in which nothing that a
// stranger wrote moves the cursor.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.Join(strings.Fields(text), " "))
}
