package fetch

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// String returns the diagnosis in lines for a terminal, without colours: a line for
// each source, and below it what is wrong with it and what to do.
func (d *Diagnosis) String() string {
	var b strings.Builder
	for _, s := range d.Sources {
		s.write(&b)
	}
	for _, f := range d.Findings {
		f.write(&b, "")
	}
	if d.OK() {
		b.WriteString("no problems found\n")
	}
	return b.String()
}

// WriteTo writes what String returns.
func (d *Diagnosis) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, d.String())
	return int64(n), err
}

func (s *SourceDiagnosis) write(b *strings.Builder) {
	state := "ok"
	switch {
	case !s.OK:
		state = "PROBLEM"
	case s.Asked == "":
		state = "not asked"
	}
	what := ""
	if s.Database {
		what = "checksum database "
	}
	fmt.Fprintf(b, "%s%s: %s", what, s.Source, state)
	if s.Asked != "" {
		fmt.Fprintf(b, ", asked for %s in %v%s", s.Asked, short(s.Took), s.Steps.bracketed())
	}
	b.WriteString("\n")
	for _, line := range []struct{ text, value string }{
		{"note", s.Note}, {"address", s.Address}, {"through the proxy", s.Proxy}, {"redirected to", s.Redirected},
	} {
		if line.value != "" {
			fmt.Fprintf(b, "  %s: %s\n", line.text, line.value)
		}
	}
	for _, f := range s.Findings {
		f.write(b, "  ")
	}
}

func (f *Finding) write(b *strings.Builder, indent string) {
	fmt.Fprintf(b, "%s%v (%v): %s\n", indent, f.Severity, f.Problem, f.Text)
	if f.Advice != "" {
		fmt.Fprintf(b, "%s  what to do: %s\n", indent, f.Advice)
	}
}

// bracketed returns the steps that there were, in brackets.
func (s Steps) bracketed() string {
	var parts []string
	for _, step := range []struct {
		name string
		took time.Duration
	}{{"DNS", s.DNS}, {"connection", s.Connect}, {"TLS", s.TLS}, {"first byte", s.FirstByte}} {
		if step.took > 0 {
			parts = append(parts, fmt.Sprintf("%s %v", step.name, step.took.Round(10*time.Microsecond)))
		}
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
