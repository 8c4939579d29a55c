package verify_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/verify"
)

// What no go.sum file is like is refused by name, before it fills the memory.
func TestReadGoSumRefusesWhatIsNone(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.sum")
	if err := errors.Join(os.WriteFile(large, nil, 0o666), os.Truncate(large, verify.MaxGoSum+1)); err != nil {
		t.Fatal(err)
	}
	for file, why := range map[string]string{
		large:       "larger than 64 MiB",
		t.TempDir(): "no regular file",
		os.DevNull:  "no regular file",
	} {
		wantNotGoSum(t, file, why)
	}
}

func wantNotGoSum(t *testing.T, file, why string) {
	t.Helper()
	_, err := verify.ReadGoSum(file)
	pathErr, ok := errors.AsType[*fs.PathError](err)
	if !ok || pathErr.Path != file || !errors.Is(err, verify.ErrNotGoSum) || !strings.Contains(err.Error(), why) {
		t.Errorf("%s: got %v, want a PathError that says that it is %s", file, err, why)
	}
}
