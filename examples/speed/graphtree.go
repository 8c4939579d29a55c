package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
)

// A graph is a main module and the modules that it needs, which are in a directory laid
// out like GOMODCACHE/cache/download. It is the same in every run.
type graph struct {
	tree string
	main string // the go.mod file of the main module
}

const (
	graphModules      = 250
	quickGraphModules = 120

	// newVersion is what the main module requires of each. The modules require some of
	// each other at oldVersion, of which nobody has more than the go.mod file.
	newVersion = "v1.4.0"
	oldVersion = "v1.3.0"
)

// makeGraph writes the files of the graph: in a full run 250 modules of 8 to 200
// source files, 100 MB in all when inflated.
func makeGraph(e *env) (*graph, error) {
	tree, err := e.tempDir()
	if err != nil {
		return nil, err
	}
	sources, err := packedSources()
	if err != nil {
		return nil, err
	}
	n := e.size(graphModules, quickGraphModules)
	for i := range n {
		m := graphModule{tree: tree, index: i, random: rand.New(rand.NewPCG(uint64(i), 7))}
		if err := m.write(sources); err != nil {
			return nil, fmt.Errorf("making %s: %w", m.path(), err)
		}
	}
	return &graph{tree: tree, main: mainGoMod(n)}, nil
}

// mainGoMod requires every module, as go mod tidy leaves it: what others need, too.
func mainGoMod(n int) string {
	var b strings.Builder
	b.WriteString("module example.com/work\n\ngo 1.24\n\nrequire (\n")
	for i := range n {
		fmt.Fprintf(&b, "\t%s %s", graphPath(i), newVersion)
		if i >= n/5 {
			b.WriteString(" // indirect")
		}
		b.WriteString("\n")
	}
	b.WriteString(")\n")
	return b.String()
}

func graphPath(i int) string { return fmt.Sprintf("example.com/team%d/project%d", i%17, i) }

// A graphModule is one of the graph's modules while it is made.
type graphModule struct {
	tree   string
	index  int
	random *rand.Rand // what is drawn for it
}

func (m *graphModule) path() string { return graphPath(m.index) }

// file is where one of the module's files is.
func (m *graphModule) file(version, ext string) string {
	return filepath.Join(m.tree, filepath.FromSlash(m.path()), "@v", version+ext)
}

// write writes the module's files: both versions' go.mod files, and of the new version
// the others.
func (m *graphModule) write(sources []packed) error {
	goMod := m.goMod()
	info := fmt.Sprintf("{\"Version\":%q,\"Time\":\"2024-01-02T03:04:05Z\"}", newVersion)
	for file, content := range map[string]string{
		m.file(oldVersion, ".mod"):  goMod,
		m.file(newVersion, ".mod"):  goMod,
		m.file(newVersion, ".info"): info,
	} {
		if err := writeFile(file, content); err != nil {
			return err
		}
	}
	return m.writeZip(goMod, m.draw(sources))
}

// goMod requires up to 30 of the modules that come before. Every third is of a time
// before graphs were pruned (go 1.17): of such a one all that it requires is loaded.
func (m *graphModule) goMod() string {
	version := "1.22"
	if m.index%3 == 0 {
		version = "1.16"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo %s\n\nrequire (\n", m.path(), version)
	for _, i := range m.random.Perm(m.index)[:min(m.index, m.random.IntN(31))] {
		required := newVersion
		if m.random.IntN(2) == 0 {
			required = oldVersion
		}
		fmt.Fprintf(&b, "\t%s %s\n", graphPath(i), required)
	}
	b.WriteString(")\n")
	return b.String()
}

// draw draws the module's source files, most modules having few and some having many.
func (m *graphModule) draw(sources []packed) []packed {
	count := 4 + 4<<m.random.IntN(4)
	if m.index%50 == 49 {
		count = 200
	}
	drawn := make([]packed, count)
	for i := range drawn {
		drawn[i] = sources[m.random.IntN(len(sources))]
	}
	return drawn
}
