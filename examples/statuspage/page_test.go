package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const openAll = `document.querySelectorAll("details").forEach(d => d.open = true)`

func TestPage(t *testing.T) {
	browser := startBrowser(t)
	well, sick, ill := healthy(t), ailing(t), failing(t)
	for _, tt := range []struct {
		name string
		look look
		of   *service
		want string // in the headline
	}{
		{"well, desktop", desktop, well, "Both sources work."},
		{"well, desktop, dark", look{width: 1280, height: 900, dark: true}, well, "Both sources work."},
		{"well, phone", phone, well, "Both sources work."},
		{"one dead, desktop", desktop, sick, "1 of 2 sources is out: http://127.0.0.1:"},
		{"one dead, desktop, dark", look{width: 1280, height: 900, dark: true}, sick, "(connection refused) since "},
		{"one dead, phone", phone, sick, "Answers come from http://127.0.0.1:"},
		{"one dead, phone, dark", look{width: 360, height: 780, dark: true}, sick, "1 of 2 sources is out"},
		{"one dead, no script", look{width: 1280, height: 900, noScript: true}, sick, "1 of 2 sources is out"},
		{"all dead, desktop", desktop, ill, "The only source is out: http://127.0.0.1:"},
		{"all dead, phone", phone, ill, "Only what is in the cache is answered."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := open(t, browser, tt.of.url, tt.look)
			if got := eval[string](p, `document.querySelector("h1").textContent`); !strings.Contains(got, tt.want) {
				t.Errorf("the headline is %q, want in it %q", got, tt.want)
			}
			p.picture(strings.NewReplacer(", ", "-", " ", "-").Replace(tt.name))
			eval[chromedp.Void](p, openAll)
			p.isReadable()
			p.fits(tt.look.width)
			p.isQuiet(strings.TrimSuffix(tt.of.url, "/status"))
		})
	}
}

// contrasts returns the texts, and then the shapes that say something, that differ
// too little from what is behind them (WCAG 2.2, 1.4.3 and 1.4.11).
const contrasts = `(() => {
	const parse = c => {
		const m = c.match(/[\d.]+/g).map(Number);
		return c.startsWith("color(") ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1];
	};
	const over = (a, b) => [0, 1, 2].map(i => a[i]*a[3] + b[i]*(1-a[3])).concat(1);
	const behind = e => {
		if (!e) return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
		const c = parse(getComputedStyle(e).backgroundColor);
		return c[3] === 1 ? c : over(c, behind(e.parentElement));
	};
	const light = c => {
		const [r, g, b] = c.map(v => v/255).map(v => v <= 0.04045 ? v/12.92 : ((v+0.055)/1.055)**2.4);
		return 0.2126*r + 0.7152*g + 0.0722*b;
	};
	const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x+0.05)/(y+0.05); };
	const out = [];
	let seen = 0;
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement, style = getComputedStyle(e);
		if (!walk.currentNode.data.trim() || e.closest("script, noscript, title, desc") || !e.checkVisibility()) continue;
		const svg = e instanceof SVGElement, back = behind(svg ? e.closest("figure, td, li, p") : e);
		const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		const got = ratio(over(parse(svg ? style.fill : style.color), back), back);
		seen++;
		if (got < (large ? 3 : 4.5)) out.push(walk.currentNode.data.trim() + ": " + got.toFixed(2));
	}
	for (const e of document.querySelectorAll("rect.answered, rect.failed, rect.hit, rect.fetched, path.line, .sign")) {
		const style = getComputedStyle(e), paint = e.matches("path.line") ? style.stroke : e.matches(".sign") ? style.color : style.fill;
		if (!e.checkVisibility()) continue;
		const back = behind(e.closest("figure, td, li, p, section"));
		seen++;
		if (ratio(over(parse(paint), back), back) < 3) out.push(e.outerHTML.slice(0, 60) + ": " + ratio(parse(paint), back).toFixed(2));
	}
	if (seen < 50) out.push("only " + seen + " were looked at");
	return out;
})()`

func (p *tab) isReadable() {
	p.t.Helper()
	for _, faint := range eval[[]string](p, contrasts) {
		p.t.Errorf("hard to see: %s", faint)
	}
}

// fits checks that the page need not be moved sideways, whatever is open.
func (p *tab) fits(width int64) {
	p.t.Helper()
	if got := eval[int64](p, `document.documentElement.scrollWidth`); got > width {
		wide := eval[[]string](p, `[...document.querySelectorAll("main *")].filter(e => !e.closest(".scroll") && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 90))`)
		p.t.Errorf("the page is %d pixels wide, on a screen of %d: %q", got, width, wide[:min(3, len(wide))])
	}
}

func TestPageHasStructure(t *testing.T) {
	p := open(t, startBrowser(t), ailing(t).url, desktop)
	for _, tt := range []struct {
		what, expression string
	}{
		{"a language", `document.documentElement.lang === "en"`},
		{"landmarks", `["header", "main", "footer"].every(n => document.querySelectorAll("body > " + n).length === 1)`},
		{"one first heading", `document.querySelectorAll("h1").length === 1`},
		{"no heading level left out", `[...document.querySelectorAll("h1, h2, h3")].reduce((level, h) => +h.tagName[1] <= level + 1 ? +h.tagName[1] : 9, 0) < 9`},
		{"a name for each section", `[...document.querySelectorAll("section")].every(s => document.getElementById(s.getAttribute("aria-labelledby")))`},
		{"a scope for each header", `[...document.querySelectorAll("th")].every(h => h.scope)`},
		{"a title and a description for each plot", `[...document.querySelectorAll("svg.plot")].every(s => s.querySelector("title").textContent && s.querySelector("desc").textContent)`},
		{"a word for each state", `[...document.querySelectorAll(".state")].every(s => s.textContent.trim())`},
		{"ids that are unique", `new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size === document.querySelectorAll("[id]").length`},
		{"table roles, which survive the phone's layout", `document.querySelector(".sources").getAttribute("role") === "table"`},
	} {
		if !eval[bool](p, tt.expression) {
			t.Errorf("the page lacks %s", tt.what)
		}
	}
}

func TestKeyboard(t *testing.T) {
	s := ailing(t)
	p := open(t, startBrowser(t), s.url, desktop)
	var reached []string
	for range 60 {
		p.do(chromedp.KeyEvent(kb.Tab))
		where := eval[string](p, `(() => { const e = document.activeElement; return e === document.body ? "" : e.textContent.trim().replace(/\s+/g, " ").slice(0, 40) })()`)
		if where == "" {
			break
		}
		if !eval[bool](p, `(() => { const e = document.activeElement, s = getComputedStyle(e); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && e.getBoundingClientRect().top >= 0 })()`) {
			t.Errorf("it cannot be seen that %q has the focus", where)
		}
		reached = append(reached, where)
	}
	for _, want := range []string{"Skip to the sources", "Pause", "Refresh", "Lanes of http://127.0.0.1", "Diagnose", "1 change of circuits", "The numbers as a table", "Program", "Cache", "The same as JSON"} {
		if !slices.ContainsFunc(reached, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("the tab key does not lead to %q, only to %q", want, reached)
		}
	}
	p.do(chromedp.Focus(chromedp.CSS(`#minutes summary`)), chromedp.KeyEvent(kb.Enter))
	if !eval[bool](p, `document.getElementById("minutes").open`) {
		t.Error("the enter key does not open the table")
	}
}
