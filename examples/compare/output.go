package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// An output shows results: each as soon as it is known, or all at the end.
type output interface {
	begin(peers []*peer)
	scenario(sc scenario)
	result(r result)
	end() error
}

// lines is a line for each result.
type lines struct {
	w     io.Writer
	width int
}

func (l *lines) begin(peers []*peer) {
	for _, p := range peers {
		l.width = max(l.width, len(p.name))
	}
	for _, p := range peers {
		fmt.Fprintf(l.w, "%-*s  %s\n", l.width, p.name, p.setting)
	}
}

func (l *lines) scenario(sc scenario) { fmt.Fprintf(l.w, "\n%s\n", sc.name) }

func (l *lines) result(r result) { fmt.Fprintf(l.w, "  %-*s  %s\n", l.width, r.Peer, r.cell()) }

func (l *lines) end() error { return nil }

// document is a page of Markdown: where the figures are from, a table with a row for each
// scenario and a column for each peer, and how to read it.
type document struct {
	w     io.Writer
	peers []*peer
	rows  []scenario
	cells map[[2]string]string // by scenario and peer
}

func (d *document) begin(peers []*peer) { d.peers, d.cells = peers, map[[2]string]string{} }

func (d *document) scenario(sc scenario) { d.rows = append(d.rows, sc) }

func (d *document) result(r result) { d.cells[[2]string{r.Scenario, r.Peer}] = r.cell() }

func (d *document) end() error {
	w := bufio.NewWriter(d.w) // which remembers that a part could not be written
	fmt.Fprintf(w, "Measured on %s.\n\n", machine())
	d.row(w, "", func(p *peer) string { return p.name })
	fmt.Fprintln(w, "|---"+strings.Repeat("|---", len(d.peers))+"|")
	for _, sc := range d.rows {
		d.row(w, sc.name, func(p *peer) string { return d.cells[[2]string{sc.name, p.name}] })
	}
	fmt.Fprint(w, "\n", legend, "\n")
	for _, p := range d.peers {
		fmt.Fprintf(w, "- %s: %s\n", p.name, p.setting)
	}
	return w.Flush()
}

func (d *document) row(w io.Writer, head string, cell func(*peer) string) {
	fmt.Fprint(w, "| ", head, " |")
	for _, p := range d.peers {
		fmt.Fprint(w, " ", escaped(cell(p)), " |")
	}
	fmt.Fprintln(w)
}

// escaped keeps a cell from ending before its time.
func escaped(cell string) string { return strings.ReplaceAll(cell, "|", `\|`) }

const legend = `"yes": every round got the right bytes or, where the question is whether an outage is told, an answer that says
so. There are several rounds, each with another module, as many as fit into 25 s. The time is their median, the go
command's own included; "first" is the first round's where that is much longer. Requests are those that the sources and
the checksum database got in a round. "-": the scenario is about proxies. Each client has an empty module cache: where
there is no proxy, nothing is shared.
`

// objects is one JSON array.
type objects struct {
	w   io.Writer
	all []result
}

func (o *objects) begin([]*peer) {}

func (o *objects) scenario(scenario) {}

func (o *objects) result(r result) {
	if r.Problem != "" || len(r.Attempts) > 0 {
		o.all = append(o.all, r)
	}
}

func (o *objects) end() error {
	e := json.NewEncoder(o.w)
	e.SetIndent("", "  ")
	return e.Encode(o.all)
}
