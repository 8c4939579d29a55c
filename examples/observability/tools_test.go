package observability_test

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// tool returns where a tool is. Where it is not installed, the test is skipped, or
// fails if BREAKWATER_TOOLS is 1.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("BREAKWATER_TOOLS") == "1" {
		t.Fatalf("BREAKWATER_TOOLS=1 asks for all tools: %v", err)
	}
	t.Skip(err)
	return ""
}

// run runs a tool, which must find nothing wrong, and returns what it says.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var output bytes.Buffer
	cmd := exec.CommandContext(t.Context(), tool(t, name), args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, &output)
	}
	return output.String()
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
