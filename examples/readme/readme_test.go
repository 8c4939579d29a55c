//go:build unix

// The scripts in testdata/script work through README.md as its reader does: they
// run each command that it shows, in an empty environment, and compare what is
// printed with what it shows. Nothing leaves the machine, unless BREAKWATER_LIVE=1
// sends the same commands to the user's own GOPROXY.
//
// In README.md a console block has commands, which begin with "$ " and go on after
// a backslash, each with what it prints. A line "..." stands for any lines, [...]
// for any text within a line, and two blanks or more for any such gap between
// columns. A command must succeed, unless the next one prints
// $?. The last command of a block that is marked "console background" goes on until
// its section ends, and is then interrupted. An sh block is set-up, the output of
// which is not shown. A Go program is saved as main.go where it stands.
//
// Besides testscript's own commands, scripts have
//
//	readme SECTION         do what that section says
//	block SECTION LANGUAGE FILE   save the section's only block in that language
//	shows stdout|stderr SECTION   the last command printed the section's text block
//	source up|down|lying|login|forbidding|unproven  the weather at the source that GOPROXY names
//	[!] breakwater [KIND]  a proxy of that kind, or none, is at http://localhost:8080
//	corporate USER:PASSWORD   the way to https://modules.example.com is a proxy at
//	                       localhost:3128, and an authority of its own in ~/corp-ca.pem
//	get URL FILE           save the status and the body of what is at URL
//	modget                 build it from the working tree, and put it into PATH
//	small DIR SIZE         have DIR be a disk of that size; only where [alone]
//
// In what is printed, the source that GOPROXY names is https://proxy.example and its
// checksum database sum.golang.org. "git clone" of the repository has the working tree.
package readme_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if status, ok := alone(); ok {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// ports are those that README.md names.
var ports = []string{"8080", "8081", "3128"}

func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "git"} {
		if _, err := exec.LookPath(tool); err != nil {
			lacks(t, "README.md's commands are run by %s: %v", tool, err)
		}
	}
	for _, port := range ports {
		l, err := net.Listen("tcp", "localhost:"+port)
		if err != nil {
			lacks(t, "README.md's commands need port %s: %v", port, err)
		}
		l.Close()
	}
	doc, err := readDocument(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := newModules(t)
	world := &world{readme: doc, modules: all, database: newDatabase(t, all), clone: newClone(t), goCache: goCache(t)}
	testscript.RunT(inTurn{t}, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup:              world.setUp,
		Condition:          condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"readme":     cmdReadme,
			"block":      cmdBlock,
			"shows":      cmdShows,
			"source":     cmdSource,
			"breakwater": cmdBreakwater,
			"corporate":  cmdCorporate,
			"get":        cmdGet,
			"modget":     cmdModget,
			"small":      cmdSmall,
		},
	})
}

// lacks skips the test, or fails it where nothing may be lacking.
func lacks(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("BREAKWATER_TOOLS") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// condition has [tools], which says that what a script needs has to be there,
// [live], which says that modules come from the user's own GOPROXY, and [alone], which
// says that the scripts may mount what they like.
func condition(name string) (bool, error) {
	switch name {
	case "tools":
		return os.Getenv("BREAKWATER_TOOLS") != "", nil
	case "live":
		return os.Getenv("BREAKWATER_LIVE") != "", nil
	case "alone":
		return os.Getenv(aloneKey) != "", nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// inTurn runs one script after the other, for README.md names ports.
type inTurn struct{ *testing.T }

func (t inTurn) Parallel()     {}
func (t inTurn) Verbose() bool { return testing.Verbose() }
func (t inTurn) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(inTurn{t}) })
}

func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// newClone returns a repository with the working tree as its only commit.
func newClone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"add", "--all"},
		{"-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=working tree"},
	} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"--git-dir=" + dir, "--work-tree=" + root}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CONFIG_COUNT=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return dir
}
