//go:build unix

package readme_test

import (
	"fmt"
	"os"
	"strings"
)

// A document is README.md as the scripts read it: what each section tells the
// reader to do, and what it says will be seen.
type document []*section

// A section is what is between one heading and the next, of any level.
type section struct {
	name   string
	steps  []step
	blocks []block
}

// A step is one thing that the reader does.
type step struct {
	line       int    // of README.md
	program    string // saved as main.go, or
	command    string // typed into a shell
	output     string // what is shown below the command
	shown      bool   // whether there is something shown to compare with
	background bool   // the command goes on while the next ones are typed
}

// A block is one fenced block, with the words after its fence.
type block struct {
	line     int
	language string
	words    []string
	text     string
}

func readDocument(name string) (document, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var doc document
	current := &section{}
	lines := strings.Split(string(data), "\n")
	for i := 0; i < len(lines); i++ {
		if fence, ok := strings.CutPrefix(lines[i], "```"); ok {
			b, end, err := readBlock(lines, i, fence)
			if err != nil {
				return nil, err
			}
			if err := current.add(b); err != nil {
				return nil, err
			}
			i = end
		} else if strings.HasPrefix(lines[i], "#") {
			current = &section{name: strings.TrimSpace(strings.TrimLeft(lines[i], "#"))}
			doc = append(doc, current)
		}
	}
	return doc, nil
}

func readBlock(lines []string, start int, fence string) (b block, end int, err error) {
	words := strings.Fields(fence)
	b.line = start + 1
	if len(words) > 0 {
		b.language, b.words = words[0], words[1:]
	}
	for end = start + 1; end < len(lines); end++ {
		if lines[end] == "```" {
			return b, end, nil
		}
		b.text += lines[end] + "\n"
	}
	return b, end, fmt.Errorf("the block that begins in line %d has no end", b.line)
}

// add turns a block into steps: a console block is commands with what they
// print, an sh block is one script, a Go program is a file to save, and a yaml block
// is a workflow.
func (s *section) add(b block) error {
	s.blocks = append(s.blocks, b)
	background := len(b.words) == 1 && b.words[0] == "background"
	switch {
	case b.language == "sh":
		s.steps = append(s.steps, step{line: b.line, command: "set -e\n" + b.text})
	case b.language == "go" && strings.HasPrefix(b.text, "package main\n"):
		s.steps = append(s.steps, step{line: b.line, program: b.text})
	case b.language == "yaml":
		steps, err := workflow(b)
		if err != nil {
			return err
		}
		s.steps = append(s.steps, steps...)
	case b.language == "console":
		steps, err := typed(b)
		if err != nil {
			return err
		}
		if background {
			steps[len(steps)-1].background = true
		}
		s.steps = append(s.steps, steps...)
	}
	return nil
}

// typed returns the commands of a console block.
func typed(b block) ([]step, error) {
	var steps []step
	continued := false
	for i, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case continued:
			steps[len(steps)-1].command += "\n" + line
			continued = strings.HasSuffix(line, `\`)
		case isCommand:
			steps = append(steps, step{line: b.line + 1 + i, command: command, shown: true})
			continued = strings.HasSuffix(line, `\`)
		case len(steps) == 0:
			return nil, fmt.Errorf("the console block in line %d does not begin with a command", b.line)
		default:
			steps[len(steps)-1].output += line + "\n"
		}
	}
	return steps, nil
}

// section returns the only section of that name.
func (d document) section(name string) (*section, error) {
	var found *section
	for _, s := range d {
		if s.name == name && found != nil {
			return nil, fmt.Errorf("README.md has two sections %q", name)
		}
		if s.name == name {
			found = s
		}
	}
	if found == nil {
		return nil, fmt.Errorf("README.md has no section %q", name)
	}
	return found, nil
}

// block returns the text of the only block in that language that the section has.
func (s *section) block(language string) (string, error) {
	var found []string
	for _, b := range s.blocks {
		if b.language == language {
			found = append(found, b.text)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("section %q has %d blocks of %s, want one", s.name, len(found), language)
	}
	return found[0], nil
}
