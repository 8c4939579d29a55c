package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestMain has the test binary serve where the command starts itself for that.
func TestMain(m *testing.M) {
	if served, err := serveIfAsked(context.Background()); served {
		exit(err)
		return
	}
	os.Exit(m.Run())
}

// What takes seconds by its nature is left out: lines that are slow, and the go command.
const shortest = `^(warm .mod|warm large zip, kernel|second half of it, copy|memory, 50|cold .mod$|cold zip, loopback|1,000 callers, a cold .mod|clients' memory, 1000)`

func TestCommand(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	dir := t.TempDir()
	record, profiles := filepath.Join(dir, "record.txt"), filepath.Join(dir, "profiles")
	var output strings.Builder
	err := run(t.Context(), []string{"-quick", "-rounds=1", "-only", shortest, "-out", record, "-cpuprofile", profiles}, &output)
	if err != nil {
		t.Fatalf("%v, after\n%s", err, output.String())
	}
	written, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"WarmMod", "WarmLargeZipKernel", "ColdZipLoopback", "1000CallersAColdMod", "ClientsMemory1000AtOnce"} {
		for _, side := range []string{"ours", "limit"} {
			if !strings.Contains(string(written), "Benchmark"+name+"/"+side+"-") {
				t.Errorf("no line of %s/%s in\n%s", name, side, written)
			}
		}
		if info, err := os.Stat(filepath.Join(profiles, name+".pprof")); err != nil || info.Size() == 0 {
			t.Errorf("no profile of %s: %v", name, err)
		}
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 && runtime.GOOS != "windows" {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string // in the error
	}{
		{[]string{"-only", "("}, "missing closing )"},
		{[]string{"-nonsense"}, "not defined"},
		{[]string{"warm"}, "no arguments"},
		{[]string{"-help"}, ""},
	} {
		var output strings.Builder
		err := run(t.Context(), tt.args, &output)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q: error %v, want one with %q", tt.args, err, tt.want)
		}
	}
}
