package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// renewNow has the page renew itself, as when somebody comes back to its tab.
const renewNow = `document.dispatchEvent(new Event("visibilitychange"))`

func TestUpdateDisturbsNothing(t *testing.T) {
	s := ailing(t)
	p := open(t, startBrowser(t), s.url, look{width: 1280, height: 500})
	eval[chromedp.Void](p, `(() => {
		document.querySelector("#source-0 details").open = true;
		document.getElementById("minutes").open = true;
		document.querySelector("#minutes summary").focus();
		scrollTo(0, 700);
		getSelection().selectAllChildren(document.querySelector("#configuration dd"));
		window.kept = {
			row: document.getElementById("source-0"), text: document.querySelector("h1").firstChild, summary: document.activeElement,
			plot: document.getElementById("plot-ratio"), setting: document.querySelector("#configuration dd"), selected: getSelection().toString(), at: scrollY,
		};
		window.removed = [];
		new MutationObserver(all => all.forEach(m => m.removedNodes.forEach(n => n.nodeType === 1 && removed.push(n.outerHTML.slice(0, 80)))))
			.observe(document.body, { childList: true, subtree: true });
	})()`)
	before := eval[string](p, `document.querySelector("#figures dd").textContent`)
	s.ask(t, "example.com/module/another")
	p.do(chromedp.Evaluate[chromedp.Void](renewNow))
	p.await(`document.querySelector("#figures dd").textContent !== "` + before + `"`)
	for _, tt := range []struct {
		what, expression string
	}{
		{"the row of a source is the same", `kept.row === document.getElementById("source-0")`},
		{"the text of the headline is the same node", `kept.text === document.querySelector("h1").firstChild`},
		{"a plot is the same", `kept.plot === document.getElementById("plot-ratio")`},
		{"what was opened is open", `document.querySelector("#source-0 details").open && document.getElementById("minutes").open`},
		{"what nobody opened is closed", `!document.getElementById("changes").open`},
		{"the focus is where it was", `document.activeElement === kept.summary`},
		{"what was selected is selected", `kept.selected !== "" && getSelection().toString() === kept.selected`},
		{"it is scrolled as it was", `scrollY === kept.at && kept.at > 0`},
		{"it says that it is live", `document.getElementById("contact").textContent === "Live"`},
	} {
		if !eval[bool](p, tt.expression) {
			t.Errorf("after an update it is not so that %s", tt.what)
		}
	}
	for _, gone := range eval[[]string](p, `removed.filter(h => !/^<(rect|path|text|title)/.test(h))`) {
		t.Errorf("the update took away %s", gone)
	}
	p.isQuiet(strings.TrimSuffix(s.url, "/status"))
}

// Not every browser can move an element without closing and blurring it.
func TestUpdateAddsAndTakesAway(t *testing.T) {
	s := failing(t)
	p := open(t, startBrowser(t), s.url, desktop)
	eval[chromedp.Void](p, `delete Element.prototype.moveBefore`)
	eval[chromedp.Void](p, `(() => { const f = document.querySelector("#failures li"); f.querySelector("details").open = true; f.querySelector("summary").focus(); window.kept = f; window.id = f.id })()`)
	s.ask(t, "example.com/module/new")
	p.do(chromedp.Evaluate[chromedp.Void](renewNow))
	p.await(`document.querySelector("#failures li").id !== id`)
	if !eval[bool](p, `kept.isConnected && kept.querySelector("details").open && document.activeElement === kept.querySelector("summary")`) {
		t.Error("a new failure closed an older one that somebody was reading, or took its focus")
	}
}

// Somebody is at what follows something that is there no more.
func TestUpdateKeepsTheFocusWhenSomethingBeforeItGoes(t *testing.T) {
	p := open(t, startBrowser(t), healthy(t).url, desktop)
	eval[chromedp.Void](p, `(() => {
		delete Element.prototype.moveBefore;
		const minutes = document.getElementById("minutes");
		minutes.insertAdjacentHTML("beforebegin", "<details id=old><summary>old</summary></details>\n");
		minutes.querySelector("summary").focus();
	})()`)
	p.do(chromedp.Evaluate[chromedp.Void](renewNow))
	p.await(`!document.getElementById("old")`)
	if !eval[bool](p, `document.activeElement === document.querySelector("#minutes summary")`) {
		t.Error("the focus is gone")
	}
}

func TestPauseAndLostContact(t *testing.T) {
	s := healthy(t)
	p := open(t, startBrowser(t), s.url, desktop)
	p.do(chromedp.Click(chromedp.CSS("#pause")))
	p.await(`document.getElementById("contact").textContent === "Paused" && document.getElementById("pause").textContent === "Resume"`)
	s.server.Close()
	p.do(chromedp.Click(chromedp.CSS("#pause")))
	p.await(`document.getElementById("contact").textContent.startsWith("No contact since ")`)
	if got := eval[string](p, `document.querySelector("h1").textContent`); !strings.HasPrefix(got, "Both sources work") {
		t.Errorf("without contact the page says %q", got)
	}
}

// A page that nobody sees asks nothing. The script's seconds are made short.
func TestHiddenPageRests(t *testing.T) {
	p := open(t, startBrowser(t), healthy(t).url, look{
		width: 1280, height: 900, before: `const later = setTimeout; window.setTimeout = (f, ms) => later(f, ms === 5000 ? 50 : ms)`,
	})
	const asked = `performance.getEntriesByType("resource").filter(r => r.initiatorType === "fetch").length`
	p.await(asked + " >= 3")
	eval[chromedp.Void](p, `Object.defineProperty(document, "hidden", { value: true, configurable: true })`)
	eval[chromedp.Void](p, `document.dispatchEvent(new Event("visibilitychange")); window.begun = performance.now()`)
	p.await(`performance.now() > begun + 200`) // for what is under way
	before := eval[int](p, asked)
	p.await(`performance.now() > begun + 800`) // twelve of its turns
	if after := eval[int](p, asked); after != before {
		t.Errorf("hidden, the page asked %d times", after-before)
	}
	eval[chromedp.Void](p, `delete document.hidden; `+renewNow)
	p.await(asked + " > " + strconv.Itoa(before))
}

func TestDiagnoseButton(t *testing.T) {
	for name, l := range map[string]look{"script": desktop, "no script": {width: 1280, height: 900, noScript: true}} {
		t.Run(name, func(t *testing.T) {
			s := ailing(t)
			p := open(t, startBrowser(t), s.url, l)
			p.do(chromedp.Click(chromedp.CSS("#ask button")), chromedp.WaitVisible(chromedp.CSS("#diagnosis")))
			got := eval[string](p, `document.getElementById("diagnosis").textContent`)
			if !strings.Contains(got, "in order") || !strings.Contains(got, "in trouble") || !strings.Contains(got, "refused") {
				t.Errorf("the diagnosis is %q", got)
			}
			eval[chromedp.Void](p, openAll)
			p.isReadable()
			p.picture("diagnosis-" + strings.ReplaceAll(name, " ", "-"))
			p.isQuiet(strings.TrimSuffix(s.url, "/status"))
		})
	}
}

func TestWithoutScriptItRenewsItself(t *testing.T) {
	p := open(t, startBrowser(t), healthy(t).url, look{width: 1280, height: 900, noScript: true})
	for _, tt := range []struct {
		what, expression string
	}{
		{"a refresh", `document.querySelector("meta[http-equiv=refresh]").content === "30"`},
		{"a link to do so", `[...document.links].some(a => a.textContent === "Refresh")`},
		{"no button that does nothing", `!document.getElementById("pause").checkVisibility()`},
		{"a word on it", `document.querySelector(".live").innerText.includes("Renewed every 30 s")`},
		{"plots", `document.querySelectorAll("svg.plot").length === 3`},
	} {
		if !eval[bool](p, tt.expression) {
			t.Errorf("without JavaScript the page lacks %s", tt.what)
		}
	}
}

// held has the script's requests of one method wait, whether they are wanted or not.
// Renewals are made often.
func held(method string) look {
	return look{width: 1280, height: 900, before: `(() => {
		const real = fetch, later = setTimeout;
		window.answered = 0;
		window.release = null;
		window.fetch = async (url, o) => {
			if ((o.method || "GET") === "` + method + `") await new Promise(go => window.release = go);
			const r = await real(url, { ...o, method: "GET", signal: undefined });
			answered++;
			return r;
		};
		window.setTimeout = (f, ms) => later(f, ms === 5000 ? 50 : ms);
	})()`}
}

// Somebody stops the page while it renews itself, and reads it as it is.
func TestPauseDuringARenewal(t *testing.T) {
	p := open(t, startBrowser(t), healthy(t).url, held("GET"))
	p.await(`release !== null`)
	p.do(chromedp.Click(chromedp.CSS("#pause")))
	eval[chromedp.Void](p, `document.querySelector("h1").textContent = "as it was"; release(); release = null; window.begun = performance.now()`)
	p.await(`answered === 1 && performance.now() > begun + 300`)
	if got := eval[string](p, `document.getElementById("contact").textContent + ", " + document.querySelector("h1").textContent`); got != "Paused, as it was" {
		t.Errorf("stopped during a renewal, the page says %q", got)
	}
	if eval[bool](p, `release !== null`) {
		t.Error("it goes on to renew itself")
	}
	p.do(chromedp.Click(chromedp.CSS("#pause")))
	p.await(`release !== null`)
	eval[chromedp.Void](p, `release()`)
	p.await(`document.querySelector("h1").textContent.startsWith("Both sources work")`)
}

// A diagnosis that takes long leaves the rest of the page alive, and its button busy.
func TestRenewalsGoOnDuringADiagnosis(t *testing.T) {
	p := open(t, startBrowser(t), healthy(t).url, held("POST"))
	const button = `document.querySelector("#ask button")`
	p.do(chromedp.Click(chromedp.CSS("#ask button")))
	p.await(`release !== null && answered >= 5`)
	if got := eval[string](p, button+`.textContent + " " + `+button+`.getAttribute("aria-busy")`); got != "Asking all sources… true" {
		t.Errorf("after five renewals the button says %q", got)
	}
	eval[chromedp.Void](p, `release()`) // by a page that has no diagnosis
	p.await(button + `.textContent === "Diagnose" && !` + button + `.hasAttribute("aria-busy")`)
	if got := eval[string](p, `document.getElementById("contact").textContent`); got != "Live" {
		t.Errorf("after that the page says %q", got)
	}
}

// A diagnosis that gets no answer ends after a minute, which is made short here.
func TestDiagnosisWithoutAnswer(t *testing.T) {
	p := open(t, startBrowser(t), healthy(t).url, look{width: 1280, height: 900, before: `(() => {
		const real = fetch, later = setTimeout;
		window.fetch = (url, o) => o.method === "POST" ? new Promise((_, no) => o.signal.addEventListener("abort", () => no(o.signal.reason))) : real(url, o);
		window.setTimeout = (f, ms) => later(f, ms === 60000 ? 300 : ms);
	})()`})
	p.do(chromedp.Click(chromedp.CSS("#ask button")))
	p.await(`document.getElementById("contact").textContent === "Live, but the diagnosis got no answer"`)
	if got := eval[string](p, `document.querySelector("#ask button").textContent`); got != "Diagnose" {
		t.Errorf("the button says %q", got)
	}
}
