package verify_test

import (
	"strings"
	"testing"
)

const (
	page    = "<!DOCTYPE html>\n<html><title>Sign in to the network</title></html>\n"
	message = `{"error":"rate limited"}`
	binary  = "\x00\x01\xff\xfePK\x03\x04"
)

func TestList(t *testing.T) {
	const key, notList = "a.example/m/@v/list", "not a list of versions"
	checkForms(t, []form{
		{"versions", key, "v1.0.0\nv1.1.0\n", ""},
		{"last line not ended", key, "v1.0.0\nv1.1.0", ""},
		{"version and time", key, "v1.0.0 2026-01-02T03:04:05Z\nv1.1.0 2026-02-02T03:04:05Z\n", ""},
		{"empty", key, "", ""},
		{"blank", key, "\n\n", ""},
		{"pseudo-versions", key, "v0.0.0-20260102030405-abcdef123456\n", ""},
		{"carriage returns", key, "v1.0.0\r\nv1.1.0\r\n", ""},
		{"lines that the go command passes over", key, "# versions\nv1.0.0\nlatest\n", ""},
		{"large", key, strings.Repeat("v1.0.0\n", 200_000), ""},

		{"page", key, page, notList},
		{"versions in a page", key, "v1.0.0\n" + page, notList},
		{"JSON", key, message, notList},
		{"text", key, "service temporarily unavailable\n", notList},
		{"binary", key, binary, notList},
		{"versions and binary", key, "v1.0.0\n\x00\n", notList},
	})
}

func TestInfo(t *testing.T) {
	const (
		query  = "a.example/m/@v/main.info"
		prefix = "a.example/m/@v/v1.0.info"
		latest = "a.example/m/@latest"
		notOne = "metadata"
		good   = `{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z","Origin":{"VCS":"git"}}`
	)
	checkForms(t, []form{
		{"good", infoKey, good, ""},
		{"version alone", infoKey, `{"Version":"v1.0.0"}`, ""},
		{"of a branch", query, `{"Version":"v0.0.0-20260102030405-abcdef123456"}`, ""},
		{"of a branch at a tag", query, good, ""},
		{"of a version prefix", prefix, `{"Version":"v1.0.7"}`, ""},
		{"latest", latest, good, ""},
		{"latest that is incompatible", latest, `{"Version":"v3.0.0+incompatible"}`, ""},

		{"of another version", infoKey, `{"Version":"v1.0.1"}`, "v1.0.1"},
		{"of a version spelt otherwise", infoKey, `{"Version":"v1.0"}`, "not a canonical version"},
		{"of a branch by its name", query, `{"Version":"main"}`, "not a canonical version"},
		{"latest by its name", latest, `{"Version":"latest"}`, "not a canonical version"},
		{"without a version", infoKey, `{}`, "not a canonical version"},
		{"null", infoKey, `null`, "not a canonical version"},
		{"of another shape", infoKey, `["v1.0.0"]`, notOne},
		{"message", infoKey, message, "not a canonical version"},
		{"time that is none", infoKey, `{"Version":"v1.0.0","Time":"yesterday"}`, notOne},
		{"truncated", infoKey, good[:30], notOne},
		{"two at once", infoKey, good + good, notOne},
		{"empty", infoKey, "", notOne},
		{"page", infoKey, page, notOne},
		{"latest page", latest, page, notOne},
		{"binary", infoKey, binary, notOne},
	})
}

func TestMod(t *testing.T) {
	const bad, nameless = "not a good go.mod file", "it names no module"
	checkForms(t, []form{
		{"good", modKey, "module a.example/m\n\ngo 1.26\n\nrequire b.example/n v1.2.3\n", ""},
		{"module alone", modKey, "module a.example/m\n", ""},
		{"quoted", modKey, "module \"a.example/m\"\n", ""},
		{"commented", modKey, "// Deprecated: use v2.\nmodule a.example/m // here\n", ""},
		{"of a fork that keeps its path", modKey, "module b.example/original\n", ""},
		{"of a later go command", modKey, "module a.example/m\n\ngo 9.99\n\nfrobnicate all\n", ""},
		{"carriage returns", modKey, "module a.example/m\r\n\r\ngo 1.26\r\n", ""},

		{"empty", modKey, "", nameless},
		{"without module", modKey, "go 1.26\n", nameless},
		{"module without path", modKey, "module\n", bad},
		{"two modules", modKey, "module a.example/m\nmodule b.example/n\n", bad},
		{"page", modKey, page, bad},
		{"JSON", modKey, message, bad},
		{"text", modKey, "service temporarily unavailable\n", nameless},
		{"binary", modKey, binary, bad},
		{"truncated in a block", modKey, "module a.example/m\n\nrequire (\n\tb.example/n v1.2", bad},
	})
}
