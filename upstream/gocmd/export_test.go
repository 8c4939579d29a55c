package gocmd

import (
	"context"
	"time"
)

// What the tests see of the inside.
var (
	IsPublic   = isPublic
	CheckHost  = func(host string) bool { return newGuard(new(settings)).checkHost(host, "443") == nil }
	Reason     = func(text, dir string) string { return reason(text, &workspace{dir: dir}) }
	ReadRuns   = readRuns
	LastStatus = func(file string) int { return readTransfers(file).status }
	AllowsGit  = func(vcs, private, path string) bool {
		rules, err := parseVCS(vcs)
		return err == nil && rules.allow(path, (&settings{Options: Options{Private: private}}).isPrivate(path))
	}
	GOVCS = func(vcs string) string {
		rules, _ := parseVCS(vcs)
		return rules.govcs()
	}
	OtherSystem    = otherSystem
	RepositoryRoot = func(path string, origin []byte) string { return repositoryRoot(path, origin) }
	NewTurns       = newTurns
	LocksWork      = locksWork
	RemoveAll      = removeAll
	Sweep          = sweep
	MaxText        = maxTextBytes
	NewTestHome    = func(dir, module string) (*workspace, error) {
		return newWorkspace(dir, module, &settings{Options: Options{Netrc: dir + "/none", Private: "private.example"}})
	}
)

func (t *turns) Take(ctx context.Context, host, module string) (func(), error) {
	return t.take(ctx, host, module)
}

func NewShelf(most int, idle time.Duration) *shelf { return &shelf{most: most, idle: idle} }

func (s *shelf) Put(w *workspace) { s.put(w) }
func (s *shelf) Close()           { s.close() }

func (s *shelf) Take(module string, private bool) *workspace { return s.take(module, private) }

func (w *workspace) Module() string   { return w.module }
func (r gitRun) Argv() []string       { return r.argv }
func (r gitRun) Ended() (bool, int)   { return r.ended, r.code }
func (r gitRun) Network() bool        { return r.uses([]string{"https"}) }
func (r gitRun) Complaints() []string { return r.errors }
