
"use strict";
(() => {
	const every = 5000, patience = 10000;
	const contact = document.getElementById("contact");
	const pause = document.getElementById("pause");
	const diagnosisPatience = 60000;
	let paused = false, timer = 0, renewing = null, diagnosing = false, lost = null, unanswered = "";

	const blank = n => n.nodeType === 3 && !n.data.trim();
	const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

	// morph makes a like b and touches only what differs: what has focus, is
	// selected or was opened stays so.
	function morph(a, b) {
		if (a.nodeType !== 1) {
			if (a.data !== b.data) a.data = b.data;
			return;
		}
		if (a.isEqualNode(b) || a.getAttribute("aria-busy") === "true") return;
		for (const at of [...a.attributes])
			if (!b.hasAttribute(at.name) && !(at.name === "open" && a.nodeName === "DETAILS")) a.removeAttribute(at.name);
		for (const at of b.attributes)
			if (a.getAttribute(at.name) !== at.value) a.setAttribute(at.name, at.value);
		children(a, b);
	}

	function children(a, b) {
		let wanted = [...b.childNodes];
		const ids = new Set(wanted.map(n => n.id).filter(Boolean));
		const old = new Map([...a.childNodes].filter(n => n.id).map(n => [n.id, n]));
		if (ids.size || old.size) {
			wanted = wanted.filter(n => !blank(n));
			[...a.childNodes].filter(blank).forEach(n => n.remove());
		}
		let x = a.firstChild;
		for (const y of wanted) {
			while (x && x.id && !ids.has(x.id)) {
				const gone = x;
				x = x.nextSibling;
				gone.remove();
			}
			let m = y.id ? old.get(y.id) : x && alike(x, y) ? x : null;
			if (!m || m.nodeName !== y.nodeName) {
				a.insertBefore(document.importNode(y, true), x);
				continue;
			}
			if (m === x) x = x.nextSibling;
			else if (a.moveBefore) a.moveBefore(m, x);
			else a.insertBefore(m, x);
			morph(m, y);
		}
		while (x) {
			const gone = x;
			x = x.nextSibling;
			gone.remove();
		}
	}

	function say(text, state) {
		if (contact.textContent !== text) contact.textContent = text;
		contact.className = state;
	}

	const time = () => new Date().toTimeString().slice(0, 8);

	function live() {
		if (!paused) say("Live" + unanswered, "live");
	}

	// take shows a page, unless it is not wanted any more when it is here.
	async function take(response, wanted) {
		if (!response.ok) throw new Error("status " + response.status);
		const page = new DOMParser().parseFromString(await response.text(), "text/html");
		if (!wanted()) return;
		const status = page.getElementById("status");
		if (!status) throw new Error("another page");
		morph(document.getElementById("status"), status);
		if (document.title !== page.title) document.title = page.title;
		const icon = document.getElementById("icon"), next = page.getElementById("icon");
		if (icon && next && icon.getAttribute("href") !== next.getAttribute("href")) icon.setAttribute("href", next.getAttribute("href"));
		lost = null;
		live();
	}

	// ask makes a request that ends after some time, or when away is used.
	async function ask(method, bound, away, wanted) {
		const late = setTimeout(() => away.abort(), bound);
		try {
			await take(await fetch(location.pathname + location.search, { method, headers: { Accept: "text/html" }, cache: "no-store", signal: away.signal }), wanted);
		} finally {
			clearTimeout(late);
		}
	}

	async function renew() {
		clearTimeout(timer);
		if (paused || renewing || document.hidden) return;
		const mine = renewing = new AbortController();
		try {
			await ask("GET", patience, mine, () => renewing === mine);
		} catch (e) {
			if (renewing === mine) {
				lost = lost || time();
				say("No contact since " + lost + ". This is how it was then.", "lost");
			}
		}
		if (renewing !== mine) return;
		renewing = null;
		if (!document.hidden) timer = setTimeout(renew, every);
	}

	// rest ends a renewal that is under way, whose answer is not wanted any more.
	function rest() {
		clearTimeout(timer);
		const mine = renewing;
		renewing = null;
		if (mine) mine.abort();
	}

	document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });

	pause.hidden = false;
	pause.addEventListener("click", () => {
		paused = !paused;
		pause.textContent = paused ? "Resume" : "Pause";
		if (paused) {
			rest();
			say("Paused", "paused");
		} else {
			live();
			renew();
		}
	});

	document.addEventListener("submit", async e => {
		const form = e.target, button = form.querySelector("button");
		if (form.id !== "ask") return;
		e.preventDefault();
		if (diagnosing) return;
		diagnosing = true;
		unanswered = "";
		const label = button.textContent;
		button.setAttribute("aria-busy", "true"); // by which renewals leave it alone
		button.textContent = "Asking all sources…";
		const done = () => {
			diagnosing = false;
			button.textContent = label;
			button.removeAttribute("aria-busy");
		};
		try {
			await ask("POST", diagnosisPatience, new AbortController(), () => { done(); return true; });
			const found = document.getElementById("diagnosis");
			if (found) found.scrollIntoView({ block: "nearest" });
		} catch (e) {
			unanswered = ", but the diagnosis got no answer";
			live();
		}
		if (diagnosing) done();
	});

	live();
	timer = setTimeout(renew, every);
})();
