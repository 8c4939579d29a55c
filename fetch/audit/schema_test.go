package audit_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// checkSchema checks what https://cyclonedx.org/schema/bom-1.6.schema.json asks of
// the parts of it that are used: no other names, what is required, the patterns,
// and that references are unique.
func checkSchema(t *testing.T, document []byte) {
	t.Helper()
	d := object(t, document, "$schema", "bomFormat!", "specVersion!", "serialNumber", "version", "metadata", "components")
	if text(t, d["bomFormat"]) != "CycloneDX" || text(t, d["specVersion"]) != "1.6" || string(d["version"]) != "1" {
		t.Errorf("not a CycloneDX 1.6 document: %s", document)
	}
	if raw, ok := d["serialNumber"]; ok {
		match(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, text(t, raw))
	}
	m := object(t, d["metadata"], "timestamp", "tools", "properties")
	if raw, ok := m["timestamp"]; ok {
		if _, err := time.Parse(time.RFC3339, text(t, raw)); err != nil {
			t.Error(err)
		}
	}
	checkProperties(t, m["properties"])
	refs := map[string]bool{}
	tools := object(t, m["tools"], "components")
	for _, raw := range append(list(t, tools["components"]), list(t, d["components"])...) {
		c := object(t, raw, "type!", "bom-ref", "name!", "version", "hashes", "purl", "properties")
		match(t, `^(application|library)$`, text(t, c["type"]))
		if ref, ok := c["bom-ref"]; ok {
			if refs[text(t, ref)] || text(t, ref) == "" {
				t.Errorf("bom-ref %s is empty or there twice", ref)
			}
			refs[text(t, ref)] = true
		}
		for _, h := range list(t, c["hashes"]) {
			h := object(t, h, "alg!", "content!")
			match(t, `^SHA-256$`, text(t, h["alg"]))
			match(t, `^[a-fA-F0-9]{64}$`, text(t, h["content"]))
		}
		if purl, ok := c["purl"]; ok {
			match(t, `^pkg:golang(/([a-z0-9._~-]|%[0-9A-F]{2})+)+(@([A-Za-z0-9._~:-]|%[0-9A-F]{2})+)?$`, text(t, purl))
		}
		checkProperties(t, c["properties"])
	}
}

func checkProperties(t *testing.T, raw json.RawMessage) {
	t.Helper()
	for _, p := range list(t, raw) {
		p := object(t, p, "name!", "value")
		match(t, `^breakwater:[a-z]+$`, text(t, p["name"]))
		if text(t, p["value"]) == "" {
			t.Errorf("property %s is empty", p["name"])
		}
	}
}

// object returns the fields of an object that has no others than the named ones,
// and has those with an exclamation mark.
func object(t *testing.T, raw json.RawMessage, fields ...string) map[string]json.RawMessage {
	t.Helper()
	var o map[string]json.RawMessage
	if err := json.Unmarshal(raw, &o); err != nil || o == nil {
		t.Fatalf("not an object: %s", raw)
	}
	for name := range o {
		if !slices.Contains(fields, name) && !slices.Contains(fields, name+"!") {
			t.Errorf("no such field: %s", name)
		}
	}
	for _, field := range fields {
		if name, required := strings.CutSuffix(field, "!"); required && o[name] == nil {
			t.Errorf("%s is missing in %s", name, raw)
		}
	}
	return o
}

func list(t *testing.T, raw json.RawMessage) (items []json.RawMessage) {
	t.Helper()
	if raw != nil {
		if err := json.Unmarshal(raw, &items); err != nil || items == nil {
			t.Fatalf("not a list: %s", raw)
		}
	}
	return items
}

func text(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		t.Fatalf("not a string: %s", raw)
	}
	return *s
}

func match(t *testing.T, pattern, s string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(s) {
		t.Errorf("%q does not match %s", s, pattern)
	}
}
