package observability_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mostExposed is ten times the exposure level, of 10, that systemd-analyze may find.
// What is left is the network, and the file system that is not a directory of its own.
const mostExposed = "15"

func TestUnit(t *testing.T) {
	program := buildProxy(t)
	const installed = "/usr/local/bin/breakwater"
	text := readFile(t, "breakwater.service")
	line := regexp.MustCompile(`(?m)^ExecStart=` + installed + ` (.*)$`).FindStringSubmatch(text)
	if line == nil {
		t.Fatal("no ExecStart")
	}
	checkFlags(t, program, strings.Fields(line[1]))

	// It is verified as if the program were installed.
	unit := filepath.Join(t.TempDir(), "breakwater.service")
	writeFile(t, unit, strings.ReplaceAll(text, installed, program))
	if said := run(t, "systemd-analyze", "verify", unit); strings.Contains(said, unit) || strings.Contains(said, "breakwater.service") {
		t.Error(said)
	}
	run(t, "systemd-analyze", "security", "--offline=true", "--threshold="+mostExposed, unit)
}

// The files agree about where the metrics are.
func TestPrometheusScrapesTheOperatorsAddress(t *testing.T) {
	const operators = "localhost:8081"
	if !strings.Contains(readFile(t, "prometheus.yml"), operators) {
		t.Errorf("prometheus.yml does not scrape %s", operators)
	}
	if !strings.Contains(readFile(t, "breakwater.service"), "-admin "+operators) {
		t.Errorf("breakwater.service does not serve %s", operators)
	}
}
