package survey_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// A GOPROXY list is read as the go command does, and no credential is in a name.
func TestFromGOPROXY(t *testing.T) {
	type named struct {
		Name       string
		OnAnyError bool
	}
	tests := []struct {
		list string
		want []named
	}{
		{"https://user:secret@proxy.example|file:///srv/modules,proxy2.example,direct", []named{
			{"https://xxxxx@proxy.example", true}, {"file:///srv/modules", false}, {"https://proxy2.example", false}, {"direct", false}}},
		{"https://proxy.example,https://proxy.example,off", []named{{"https://proxy.example", false}, {"off", false}}},
	}
	for _, test := range tests {
		sources, err := survey.FromGOPROXY(test.list, &upstream.HTTPOptions{Name: "all alike"})
		if err != nil {
			t.Fatal(err)
		}
		var got []named
		for _, s := range sources {
			got = append(got, named{s.Name, s.OnAnyError})
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.list, diff)
		}
		if text := fmt.Sprintf("%+v", sources); strings.Contains(text, "secret") {
			t.Errorf("the password is in %s", text)
		}
	}
	if _, err := survey.FromGOPROXY("https://user:secret@:proxy,word", nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error is %v, want one without the password", err)
	}
}

// What cannot be measured is refused before anybody is asked.
func TestRunRefuses(t *testing.T) {
	source := survey.Source{Name: "a", Upstream: upstream.Off()}
	real := survey.Source{Name: "a", Upstream: tree{}.paced("a", 0, 0).Upstream}
	tests := []struct {
		name string
		opts *survey.Options
		want string
	}{
		{"nothing", nil, "no source to measure"},
		{"only words", &survey.Options{Sources: []survey.Source{source}}, "no source to measure"},
		{"one name twice", &survey.Options{Sources: []survey.Source{real, real}}, `"a"`},
		{"no name", &survey.Options{Sources: []survey.Source{{Upstream: real.Upstream}}}, "no name"},
		{"a sample that is no version", &survey.Options{Sources: []survey.Source{real}, Sample: []module.Version{{Path: "example.com/m", Version: "main"}}}, "example.com/m@main"},
		{"a sample that is no module", &survey.Options{Sources: []survey.Source{real}, Sample: []module.Version{{Path: "../m", Version: "v1.0.0"}}}, "malformed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := survey.Run(t.Context(), test.opts)
			if r != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("report %v, error %v, want an error that says %q", r, err, test.want)
			}
		})
	}
}

// The default sample can be asked for.
func TestDefaultSample(t *testing.T) {
	for _, m := range survey.DefaultSample() {
		if err := module.Check(m.Path, m.Version); err != nil || module.CanonicalVersion(m.Version) != m.Version {
			t.Errorf("%s: %v", m, err)
		}
	}
}
