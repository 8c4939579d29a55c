//go:build unix

package fetch

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A go/env file that never ends, or never begins, is an error and does not keep anybody
// waiting.
func TestReadGoSettingsRefusesWhatIsNoFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "env")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, why := range map[string]string{pipe: "is not a file", "/dev/zero": "is larger than"} {
		isolate(t, "")
		t.Setenv("PATH", t.TempDir())
		t.Setenv("GOENV", file)
		if got, err := ReadGoSettings(t.Context()); err == nil || !strings.Contains(err.Error(), file+" "+why) {
			t.Errorf("got %+v, %v, want that %s %s", got, err, file, why)
		}
	}
}
