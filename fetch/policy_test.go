package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// A shelf is a Fetcher that has files, and counts what it is asked for.
type shelf struct {
	files  map[string]string // by key
	before func(ctx context.Context, req upstream.Request) error

	mu    sync.Mutex
	asked []string
	open  int // bodies
}

func (s *shelf) Name() string { return "shelf" }

func (s *shelf) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, req.Key())
	if s.before != nil {
		s.mu.Unlock()
		err := s.before(ctx, req)
		s.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
	content, ok := s.files[req.Key()]
	if !ok {
		return nil, absent(req)
	}
	s.open++
	return &upstream.Response{
		Body: &shelved{cache.NewBody([]byte(content)), s}, Size: int64(len(content)), Source: "shelf", Origin: "printer",
		Fetched: time.Now(), ModTime: time.Unix(1, 0), Digest: "its digest",
	}, nil
}

// takeAsked returns what was asked for since the last call, sorted.
func (s *shelf) takeAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	slices.Sort(asked)
	return asked
}

// bodies returns how many are open.
func (s *shelf) bodies() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *shelf) checkClosed(t *testing.T) {
	t.Helper()
	if n := s.bodies(); n != 0 {
		t.Errorf("%d bodies were not closed", n)
	}
}

type shelved struct {
	cache.Body
	s *shelf
}

func (b *shelved) Close() error {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	b.s.open--
	return nil
}

const day = 24 * time.Hour

// add puts a version on the shelf that was published so long ago. The list is
// in the order in which versions are added; the last is @latest.
func (s *shelf) add(path, version string, age time.Duration) {
	if s.files == nil {
		s.files = map[string]string{}
	}
	s.files[path+"/@v/list"] += version + "\n"
	info := infoFile(version, age)
	s.files[path+"/@latest"] = info
	s.files[path+"/@v/"+version+".info"] = info
	s.files[path+"/@v/"+version+".mod"] = "module " + path + "\n"
	s.files[path+"/@v/"+version+".zip"] = "zip of " + version
}

func infoFile(version string, age time.Duration) string {
	at := time.Now().Add(-age).UTC().Format(time.RFC3339)
	return fmt.Sprintf(`{"Version":%q,"Time":%q,"Origin":{"VCS":"git"}}`, version, at)
}

// police returns f under p, and the decisions.
func police(t testing.TB, p fetch.Policy, f fetch.Fetcher) (*fetch.Policed, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var decisions []string
	if p.OnDecision == nil {
		p.OnDecision = func(_ context.Context, d fetch.Decision) {
			mu.Lock()
			defer mu.Unlock()
			decisions = append(decisions, spell(d))
		}
	}
	policed, err := p.Wrap(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { policed.Close() })
	return policed, func() []string {
		mu.Lock()
		defer mu.Unlock()
		taken := decisions
		decisions = nil
		return taken
	}
}

func spell(d fetch.Decision) string {
	word := "allowed"
	if d.Denied {
		word = "denied"
	}
	if d.DryRun {
		word += " (dry run)"
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s by %s: %s", d.Request.Key(), word, d.Rule, d.Reason))
}

// askPoliced returns the content for a key, or "class: reason of the policy", or
// "class" if the error is not the policy's.
func askPoliced(t testing.TB, ctx context.Context, f fetch.Fetcher, key string) string {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := f.Fetch(ctx, req)
	if err == nil {
		return read(t, resp)
	}
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		t.Fatalf("%s: the error is a %T: %v", key, err, err)
	}
	if denial, ok := errors.AsType[*fetch.PolicyError](err); ok {
		return e.Class.String() + ": " + denial.Decision.Reason
	}
	return e.Class.String()
}

func TestPolicyRules(t *testing.T) {
	const path = "example.com/m"
	kinds := []string{"list", "latest", "branch.info", "v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"}
	s := &shelf{}
	s.add(path, "v1.0.0", day)
	s.files[path+"/@v/branch.info"] = infoFile("v1.0.0", day)
	denyAll := fetch.Rule{Patterns: "*", Reason: "only what was approved"}
	tests := []struct {
		name  string
		rules []fetch.Rule
		want  string // empty: allowed
	}{
		{"no rule", nil, ""},
		{"another module", []fetch.Rule{{Patterns: "example.com/n,example.com/m2"}}, ""},
		{"denied with a reason", []fetch.Rule{{Patterns: path, Reason: "AGPL"}}, "AGPL"},
		{"denied without one", []fetch.Rule{{Patterns: "example.org,example.com/*"}}, "a rule denies example.org,example.com/*"},
		{"a prefix of the path", []fetch.Rule{{Patterns: "example.com", Reason: "no"}}, "no"},
		{"in another case", []fetch.Rule{{Patterns: "example.com/M", Reason: "no"}}, "no"},
		{"an allow list, and on it", []fetch.Rule{{Patterns: path, Allow: true}, denyAll}, ""},
		{"an allow list, and not on it", []fetch.Rule{{Patterns: "example.com/n", Allow: true}, denyAll}, "only what was approved"},
		{"allowed in another case", []fetch.Rule{{Patterns: "example.com/M", Allow: true}, denyAll}, "only what was approved"},
		{"the first that matches decides", []fetch.Rule{denyAll, {Patterns: path, Allow: true}}, "only what was approved"},
		{"none of its versions", []fetch.Rule{{Patterns: path, Versions: "v9.0.0", Reason: "no"}, denyAll}, "only what was approved"},
		{"versions, all of them", []fetch.Rule{{Patterns: path, Versions: ">=v0.0.1", Allow: true}, denyAll}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			policed, _ := police(t, fetch.Policy{Rules: tt.rules}, s)
			s.takeAsked()
			for _, kind := range kinds {
				key := path + "/@v/" + kind
				if kind == "latest" {
					key = path + "/@latest"
				}
				want := s.files[key]
				if tt.want != "" {
					want = "denied: " + tt.want
				}
				if got := askPoliced(t, t.Context(), policed, key); got != want {
					t.Errorf("%s: got %q, want %q", kind, got, want)
				}
			}
			if asked := s.takeAsked(); (asked == nil) != (tt.want != "") {
				t.Errorf("the Fetcher was asked for %q", asked)
			}
			s.checkClosed(t)
		})
	}
}

// What is allowed is allowed to the letter, capitals too.
func TestPolicyAllowsInTheSameCase(t *testing.T) {
	s := &shelf{}
	s.add("github.com/!burnt!sushi/toml", "v1.0.0", day)
	for patterns, want := range map[string]string{"github.com/BurntSushi": "v1.0.0\n", "github.com/burntsushi": "denied: no"} {
		policed, _ := police(t, fetch.Policy{Rules: []fetch.Rule{{Patterns: patterns, Allow: true}, {Patterns: "*", Reason: "no"}}}, s)
		if got := askPoliced(t, t.Context(), policed, "github.com/!burnt!sushi/toml/@v/list"); got != want {
			t.Errorf("%s: got %q, want %q", patterns, got, want)
		}
	}
}

// A rule that denies a repository denies it by the other names that lead there; one
// that allows it does not allow those.
func TestPolicyDeniesOtherNames(t *testing.T) {
	s := &shelf{}
	others := []string{
		"git.corp.example/private/secret", "git.corp.example/private/secret.git", "git.corp.example/private/secret.hg/sub",
		"git.corp.example/private.git/secret", "git.corp.example/Private/Secret.Git/sub",
	}
	for _, path := range others {
		s.add(path, "v1.0.0", day)
	}
	deny, _ := police(t, fetch.Policy{Rules: []fetch.Rule{{Patterns: "git.corp.example/private/Secret", Reason: "private"}}}, s)
	allow, _ := police(t, fetch.Policy{Rules: []fetch.Rule{
		{Patterns: others[0], Allow: true}, {Patterns: "*", Reason: "not reviewed"},
	}}, s)
	for i, path := range others {
		escaped, err := module.EscapePath(path)
		if err != nil {
			t.Fatal(err)
		}
		key := escaped + "/@v/v1.0.0.mod"
		s.files[key] = "module " + path + "\n"
		if got := askPoliced(t, t.Context(), deny, key); got != "denied: private" {
			t.Errorf("%s: got %q, want it denied", path, got)
		}
		want := "denied: not reviewed"
		if i == 0 {
			want = s.files[key]
		}
		if got := askPoliced(t, t.Context(), allow, key); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestPolicyDeniesToolchains(t *testing.T) {
	s := &shelf{}
	policed, _ := police(t, fetch.Policy{Rules: []fetch.Rule{{Patterns: "golang.org/toolchain", Reason: "pinned"}}}, s)
	got := askPoliced(t, t.Context(), policed, "golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64.zip")
	if want := "denied: pinned"; got != want || s.takeAsked() != nil {
		t.Errorf("got %q, want %q and no request", got, want)
	}
}

func TestPolicyDeniesLookups(t *testing.T) {
	s := &shelf{files: map[string]string{
		"sumdb/sum.golang.org/lookup/example.com/m@v1.0.0":     "one",
		"sumdb/sum.golang.org/lookup/example.com/other@v1.0.0": "other",
		"sumdb/sum.golang.org/latest":                          "head",
	}}
	policed, decisions := police(t, fetch.Policy{
		Rules:    []fetch.Rule{{Patterns: "example.com/m", Reason: "secret"}},
		Cooldown: day, // says nothing of look-ups
	}, s)
	tests := []struct{ key, want string }{
		{"sumdb/sum.golang.org/lookup/example.com/m@v1.0.0", "denied: secret"},
		{"sumdb/sum.golang.org/lookup/example.com/other@v1.0.0", "other"},
		{"sumdb/sum.golang.org/latest", "head"},
	}
	var want []string
	for _, tt := range tests {
		if got := askPoliced(t, t.Context(), policed, tt.key); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.key, got, tt.want)
		}
		if !strings.HasPrefix(tt.want, "denied") {
			want = append(want, tt.key)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, s.takeAsked()); diff != "" {
		t.Errorf("asked of the Fetcher (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{tests[0].key + " denied by rule: secret"}, decisions()); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

func TestPolicyRulesForVersions(t *testing.T) {
	const path = "example.com/m"
	versions := []string{"v1.0.0", "v1.1.0-rc.1", "v1.1.0", "v1.2.0", "v1.2.1", "v2.0.0+incompatible"}
	tests := []struct {
		versions string
		denied   string
		latest   string
	}{
		{"v1.1.0", "v1.1.0", "v2.0.0+incompatible"},
		{"=v1.1.0, v1.2.0", "v1.1.0 v1.2.0", "v2.0.0+incompatible"},
		{"v2.0.0", "v2.0.0+incompatible", "v1.2.1"},
		{"<v1.1.0", "v1.0.0 v1.1.0-rc.1", "v2.0.0+incompatible"},
		{"<=v1.1.0", "v1.0.0 v1.1.0-rc.1 v1.1.0", "v2.0.0+incompatible"},
		{">v1.2.0", "v1.2.1 v2.0.0+incompatible", "v1.2.0"},
		{">=v1.1.0", "v1.1.0 v1.2.0 v1.2.1 v2.0.0+incompatible", "v1.0.0"},
		{">=v1.1.0-0 <v1.2.0, >=v1.2.1", "v1.1.0-rc.1 v1.1.0 v1.2.1 v2.0.0+incompatible", "v1.2.0"},
		{">=v0.0.0 <v1.1.0-0, >=v1.1.0", "v1.0.0 v1.1.0 v1.2.0 v1.2.1 v2.0.0+incompatible", "v1.1.0-rc.1"},
	}
	for _, tt := range tests {
		t.Run(tt.versions, func(t *testing.T) {
			s := &shelf{}
			for _, v := range versions {
				s.add(path, v, day)
			}
			policed, _ := police(t, fetch.Policy{Rules: []fetch.Rule{{Patterns: path, Versions: tt.versions, Reason: "bad"}}}, s)
			denied := strings.Fields(tt.denied)
			var offered []string
			for _, v := range versions {
				want := "zip of " + v
				if slices.Contains(denied, v) {
					want = "denied: bad"
				} else {
					offered = append(offered, v)
				}
				if got := askPoliced(t, t.Context(), policed, path+"/@v/"+v+".zip"); got != want {
					t.Errorf("%s: got %q, want %q", v, got, want)
				}
			}
			if got := strings.Fields(askPoliced(t, t.Context(), policed, path+"/@v/list")); !slices.Equal(got, offered) {
				t.Errorf("the list is %q, want %q", got, offered)
			}
			if got, want := askPoliced(t, t.Context(), policed, path+"/@latest"), s.files[path+"/@v/"+tt.latest+".info"]; got != want {
				t.Errorf("@latest is %s, want %s", got, want)
			}
			s.checkClosed(t)
		})
	}
}

func TestPolicyQueriesOfDeniedVersions(t *testing.T) {
	const path = "example.com/m"
	s := &shelf{}
	s.add(path, "v1.0.0", day)
	s.files[path+"/@v/main.info"] = s.files[path+"/@v/v1.0.0.info"]
	policed, _ := police(t, fetch.Policy{Rules: []fetch.Rule{{Patterns: path, Versions: "v1.0.0", Reason: "bad"}}}, s)
	tests := []struct{ key, want string }{
		{path + "/@v/main.info", "denied: main stands for v1.0.0: bad"},
		{path + "/@v/none.info", "not found"},
		{path + "/@v/list", ""},
		{path + "/@latest", "denied: bad"}, // the go command asks for it after an empty list, and shows it
	}
	for _, tt := range tests {
		if got := askPoliced(t, t.Context(), policed, tt.key); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.key, got, tt.want)
		}
	}
	s.checkClosed(t)
}

func TestPolicyIsValidated(t *testing.T) {
	s := &shelf{}
	tests := []struct {
		policy fetch.Policy
		want   string
	}{
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: "a"}, {}}}, "policy: rule 2: it has no patterns: * matches every module"},
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: ","}}}, "policy: rule 1: it has no patterns: * matches every module"},
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: "a, b"}}}, `policy: rule 1: module path pattern " b" holds a space: separate patterns by commas alone`},
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: "a[", Allow: true}}}, `policy: rule 1: module path pattern "a[": syntax error in pattern`},
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: "a", Versions: "1.2.3"}}}, `policy: rule 1: "1.2.3" is not a bound of versions: it must be such as v1.2.3, <v1.2.3 or >=v1.2.3`},
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: "a", Versions: "=>v1.2.3"}}}, `policy: rule 1: "=>v1.2.3" is not a bound of versions: it must be such as v1.2.3, <v1.2.3 or >=v1.2.3`},
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: "a", Versions: "< v1.2.3"}}}, `policy: rule 1: "<" is not a bound of versions: it must be such as v1.2.3, <v1.2.3 or >=v1.2.3`},
		{fetch.Policy{Rules: []fetch.Rule{{Patterns: "a", Versions: "v1.2.3,"}}}, `policy: rule 1: "v1.2.3," holds an empty range of versions`},
		{fetch.Policy{CooldownExempt: "a b"}, `policy: CooldownExempt: module path pattern "a b" holds a space: separate patterns by commas alone`},
		{fetch.Policy{Cooldown: -1}, "policy: Cooldown is negative"},
		{fetch.Policy{MaxZipSize: -1}, "policy: MaxZipSize is negative"},
		{fetch.Policy{CheckTimeout: -1}, "policy: CheckTimeout is negative"},
	}
	for _, tt := range tests {
		_, err := tt.policy.Wrap(s)
		if err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if _, err := new(fetch.Policy).Wrap(nil); err == nil {
		t.Error("a nil Fetcher was wrapped")
	}
}

func TestPolicyIsCopied(t *testing.T) {
	p := fetch.Policy{Rules: []fetch.Rule{{Patterns: "example.com/m", Reason: "as it was"}}}
	policed, _ := police(t, p, &shelf{})
	p.Rules[0] = fetch.Rule{Patterns: "*", Allow: true}
	if got, want := askPoliced(t, t.Context(), policed, "example.com/m/@v/list"), "denied: as it was"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPolicyIsMiddleware(t *testing.T) {
	s := &shelf{}
	policed, _ := police(t, fetch.Policy{}, s)
	if got := upstream.Name(policed); got != "shelf" {
		t.Errorf("it is called %q", got)
	}
	if got, ok := upstream.As[*shelf](policed); !ok || got != s {
		t.Error("the Fetcher behind it is not found")
	}
}

// The small helpers are under the policy like anything else.
func TestPolicyAndHelpers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const path = "example.com/m"
		s := &shelf{}
		s.add(path, "v1.0.0", 9*day)
		s.add(path, "v1.1.0", day)
		policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
		for _, query := range []string{"latest", "v1", ">=v0.1.0", "<v1.5.0"} {
			if got, err := fetch.Resolve(t.Context(), policed, path, query); err != nil || got.Version != "v1.0.0" {
				t.Errorf("%s: got %s, %v", query, got.Version, err)
			}
		}
		file := filepath.Join(t.TempDir(), "m.zip")
		if err := fetch.SaveZip(t.Context(), policed, module.Version{Path: path, Version: "v1.1.0"}, file); upstream.ClassOf(err) != upstream.Denied {
			t.Errorf("saving what is too young: %v", err)
		}
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file: %v", err)
		}
		if err := fetch.SaveZip(t.Context(), policed, module.Version{Path: path, Version: "v1.0.0"}, file); err != nil {
			t.Errorf("saving what is old enough: %v", err)
		}
		s.checkClosed(t)
	})
}

func TestPolicyErrorText(t *testing.T) {
	policed, _ := police(t, fetch.Policy{Rules: []fetch.Rule{{Patterns: "*", Reason: "two\nlines\x1b[31m " + strings.Repeat("é", 500)}}}, &shelf{})
	_, err := upstream.ReadMod(t.Context(), policed, module.Version{Path: "example.com/m", Version: "v1.0.0"})
	text := fmt.Sprint(err)
	if !strings.HasPrefix(text, "example.com/m@v1.0.0 (mod): denied: denied by policy: two lines [31m éé") || len(text) > 300 || strings.Contains(text, "\n") {
		t.Errorf("got %q", text)
	}
	if errors.Is(err, fs.ErrNotExist) {
		t.Error("a denial reads as absence")
	}
}
