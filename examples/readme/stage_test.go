//go:build unix

package readme_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// world is what all scripts share; nothing in it changes.
type world struct {
	readme   document
	modules  *modules
	database *database
	clone    string
	goCache  string
}

// stage is what one script plays on.
type stage struct {
	*world
	source  *source
	workDir string

	close     func()   // of the proxy that the script has started
	alsoClose []func() // of whatever else
}

// setUp makes an environment in which nobody has set anything, but for what keeps
// the script on this machine, and away from the user's files.
func (w *world) setUp(env *testscript.Env) error {
	s := &stage{world: w, source: newSource(w.modules, w.database), workDir: env.WorkDir, close: func() {}}
	env.Values["stage"] = s
	env.Defer(func() {
		s.close()
		for _, end := range s.alsoClose {
			end()
		}
		s.source.server.CloseClientConnections()
		s.source.server.Close()
	})
	home := filepath.Join(env.WorkDir, "home")
	if err := writeFiles(home, map[string]string{
		".config/go/telemetry/mode":                     "off\n", // else the go command writes from a process that outlives it
		"Library/Application Support/go/telemetry/mode": "off\n",
		".gitconfig": fmt.Sprintf("[url %q]\n\tinsteadOf = https://%s\n", w.clone, ourModule),
	}); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("GOCACHE", w.goCache) // what was compiled is no setting
	env.Setenv("GOTOOLCHAIN", "local")
	// Else the library would be compiled anew for each directory that it is cloned to.
	env.Setenv("GOFLAGS", "-buildvcs=false -trimpath")
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	if os.Getenv("BREAKWATER_LIVE") == "" {
		env.Setenv("GOPROXY", s.source.server.URL)
		env.Setenv("GOSUMDB", w.database.verifierKey)
	}
	env.Setenv("SOURCE", s.source.server.URL)
	return nil
}

func writeFiles(dir string, files map[string]string) error {
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			return err
		}
	}
	return nil
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value("stage").(*stage) }

// cmdReadme does what a section says.
func cmdReadme(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: readme SECTION")
	}
	s := stageOf(ts)
	section, err := s.readme.section(args[0])
	ts.Check(err)
	if len(section.steps) == 0 {
		ts.Fatalf("section %q has nothing to do", section.name)
	}
	sh := &shell{scratch: s.workDir}
	after := filepath.Join(s.workDir, "environment")
	ts.Check(ts.Exec("bash", "-c", fmt.Sprintf("pwd -P >%[1]q.dir; env -0 >%[1]q", after)))
	ts.Check(sh.takeOver(after))
	defer func() { ts.Check(sh.interrupt()) }()
	for i, st := range section.steps {
		output, err := sh.do(st)
		output = s.named(output)
		ts.Logf("$ %s\n%s", st.command, output)
		if err != nil {
			ts.Fatalf("README.md:%d: %s: %v\n%s", st.line, st.command, err, output)
		}
		if sh.status != 0 && !asksForStatus(section.steps, i+1) {
			ts.Fatalf("README.md:%d: %s: exit status %d\n%s", st.line, st.command, sh.status, output)
		}
		if st.shown && !st.background && !shows(st.output, output) {
			ts.Fatalf("README.md:%d: %s: -shown +printed\n%s", st.line, st.command, cmp.Diff(st.output, output))
		}
	}
	ts.Check(ts.Chdir(sh.dir))
	for _, variable := range sh.env {
		name, value, _ := strings.Cut(variable, "=")
		ts.Setenv(name, value)
	}
}

// asksForStatus tells whether the next step shows the status of this one.
func asksForStatus(steps []step, next int) bool {
	return next < len(steps) && strings.Contains(steps[next].command, "$?")
}

// cmdBlock saves a block.
func cmdBlock(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: block SECTION LANGUAGE FILE")
	}
	section, err := stageOf(ts).readme.section(args[0])
	ts.Check(err)
	text, err := section.block(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(text), 0o666))
}

// cmdShows compares what the last command printed with a section's text block.
func cmdShows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || args[0] != "stdout" && args[0] != "stderr" {
		ts.Fatalf("usage: shows stdout|stderr SECTION")
	}
	s := stageOf(ts)
	section, err := s.readme.section(args[1])
	ts.Check(err)
	text, err := section.block("text")
	ts.Check(err)
	if printed := s.named(ts.ReadFile(args[0])); !shows(text, printed) {
		ts.Fatalf("README.md shows in %q (-), and printed is (+)\n%s", section.name, cmp.Diff(text, printed))
	}
}

// named returns text with the names that README.md has for the source and its
// checksum database.
func (s *stage) named(text string) string {
	return strings.NewReplacer(s.source.server.URL, "https://proxy.example", databaseName, "sum.golang.org").Replace(text)
}

func cmdSource(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 || !slices.Contains([]string{"up", "down", "lying", "login", "forbidding", "unproven"}, args[0]) {
		ts.Fatalf("usage: source up|down|lying|login|forbidding|unproven")
	}
	stageOf(ts).source.become(args[0])
}

// cmdGet saves what is at a URL, whatever the status, once something listens there.
func cmdGet(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: get URL FILE")
	}
	target, err := url.Parse(args[0])
	ts.Check(err)
	ts.Check(reach(target.Host))
	resp, err := http.Get(args[0])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), fmt.Appendf(nil, "%d\n%s", resp.StatusCode, body), 0o666))
}
