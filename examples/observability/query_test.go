package observability_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring)\s*\(([^)]*)\)`)
	window   = regexp.MustCompile(`\[[^\]]*\]`)
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\}|\()?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	operator = regexp.MustCompile(`^(or|and|unless|bool|offset)$`)
	legend   = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
)

// A query is what is to be checked of a PromQL expression. Whether it is one is for
// promtool to say.
type query struct {
	expr   string
	legend string // of Grafana, with labels in it
}

// ofEveryTarget are labels that Prometheus adds.
var ofEveryTarget = []string{"job", "instance"}

// problems returns what the query asks for that is not exported.
func (q query) problems(known metrics) []string {
	var found []string
	text := window.ReplaceAllString(q.expr, "")
	labels := slices.Clone(ofEveryTarget)
	for _, m := range selector.FindAllStringSubmatch(grouping.ReplaceAllString(text, ""), -1) {
		name, matchers := m[1], m[2]
		if matchers == "(" || operator.MatchString(name) {
			continue
		}
		if known[name] == nil {
			found = append(found, "no metric "+name)
			continue
		}
		found = append(found, known.mismatches(name, matchers)...)
		for label := range known[name] {
			labels = append(labels, label)
		}
		if strings.HasSuffix(name, "_bucket") {
			labels = append(labels, "le")
		}
	}
	kept := labels
	for _, m := range grouping.FindAllStringSubmatch(text, -1) {
		names := strings.Split(strings.ReplaceAll(m[2], " ", ""), ",")
		found = append(found, missing("label", names, labels)...)
		if m[1] == "by" {
			kept = names
		}
	}
	var shown []string
	for _, m := range legend.FindAllStringSubmatch(q.legend, -1) {
		shown = append(shown, m[1])
	}
	return append(found, missing("label in the result", shown, kept)...)
}

// mismatches returns what is wrong in the braces behind a metric's name.
func (m metrics) mismatches(name, matchers string) []string {
	var found []string
	for _, of := range matcher.FindAllStringSubmatch(matchers, -1) {
		label, kind, value := of[1], of[2], of[3]
		values, ok := m[name][label]
		switch {
		case slices.Contains(ofEveryTarget, label):
		case !ok:
			found = append(found, fmt.Sprintf("%s has no label %s", name, label))
		case values == nil: // not ours to know
		case strings.HasSuffix(kind, "~"):
			for value := range strings.SplitSeq(value, "|") {
				if !matchesAny(value, values) {
					found = append(found, fmt.Sprintf("%s is never %q in %s", label, value, name))
				}
			}
		case !values[value]:
			found = append(found, fmt.Sprintf("%s is never %q in %s", label, value, name))
		}
	}
	return found
}

// matchesAny reports whether a pattern, which has to fit from end to end, fits a value.
func matchesAny(pattern string, values map[string]bool) bool {
	whole, err := regexp.Compile("^(?:" + pattern + ")$")
	return err == nil && slices.ContainsFunc(slices.Collect(maps.Keys(values)), whole.MatchString)
}

func missing(what string, names, among []string) []string {
	var found []string
	for _, name := range names {
		if !slices.Contains(among, name) {
			found = append(found, fmt.Sprintf("no %s %s", what, name))
		}
	}
	return found
}
