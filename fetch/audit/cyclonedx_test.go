package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/google/go-cmp/cmp"
)

// each yields records, as Read does.
func each(records ...audit.Record) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// served is the record of a zip that was handed out.
func served(module, version string) audit.Record {
	return audit.Record{
		Time: noon, Module: module, Version: version, Kind: "zip", Status: 200, Decision: audit.Allowed,
		Origin: "https://proxy.example", Verified: "sum.example.com", SHA256: strings.Repeat("0a", 32), Size: 9, Sent: 9,
	}
}

func bom(t *testing.T, opts *audit.BOMOptions, records ...audit.Record) string {
	t.Helper()
	var out bytes.Buffer
	if err := audit.WriteCycloneDX(&out, each(records...), opts); err != nil {
		t.Fatal(err)
	}
	checkSchema(t, out.Bytes())
	return out.String()
}

// names returns name@version of each component, in order.
func names(t *testing.T, document string) []string {
	t.Helper()
	var d struct {
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, c := range d.Components {
		all = append(all, c.Name+"@"+c.Version)
	}
	return all
}

func TestCycloneDXDocument(t *testing.T) {
	opts := &audit.BOMOptions{
		From: noon.Truncate(time.Hour), To: noon.Add(time.Hour).In(time.FixedZone("", 3600)), Created: noon,
		SerialNumber: "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
	}
	unverified := served("example.com/Shout", "v2.0.0+incompatible")
	verified := served("example.com/hello", "v1.0.0")
	verified.Origin = "<a&b>"
	unverified.Verified, unverified.Origin, unverified.SHA256 = "", "", ""
	want := `{
  "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
  "bomFormat": "CycloneDX",
  "specVersion": "1.6",
  "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
  "version": 1,
  "metadata": {
    "timestamp": "2026-03-04T12:00:00.123456789Z",
    "tools": {
      "components": [
        {
          "type": "application",
          "name": "breakwater"
        }
      ]
    },
    "properties": [
      {
        "name": "breakwater:from",
        "value": "2026-03-04T12:00:00Z"
      },
      {
        "name": "breakwater:to",
        "value": "2026-03-04T13:00:00.123456789Z"
      }
    ]
  },
  "components": [
    {
      "type": "library",
      "bom-ref": "example.com/Shout@v2.0.0+incompatible",
      "name": "example.com/Shout",
      "version": "v2.0.0+incompatible",
      "purl": "pkg:golang/example.com/shout@v2.0.0%2Bincompatible",
      "properties": [
        {
          "name": "breakwater:verified",
          "value": "not verified"
        }
      ]
    },
    {
      "type": "library",
      "bom-ref": "example.com/hello@v1.0.0",
      "name": "example.com/hello",
      "version": "v1.0.0",
      "hashes": [
        {
          "alg": "SHA-256",
          "content": "` + strings.Repeat("0a", 32) + `"
        }
      ],
      "purl": "pkg:golang/example.com/hello@v1.0.0",
      "properties": [
        {
          "name": "breakwater:verified",
          "value": "sum.example.com"
        },
        {
          "name": "breakwater:origin",
          "value": "<a&b>"
        }
      ]
    }
  ]
}
`
	if diff := cmp.Diff(want, bom(t, opts, verified, unverified)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCycloneDXOfNothing(t *testing.T) {
	got := bom(t, nil)
	if !strings.Contains(got, `"components": []`) {
		t.Errorf("the list is not an empty list: %s", got)
	}
	for _, absent := range []string{"timestamp", "serialNumber", "breakwater:from", "breakwater:to"} {
		if strings.Contains(got, absent) {
			t.Errorf("%s is there: %s", absent, got)
		}
	}
}

func TestCycloneDXCounts(t *testing.T) {
	const hello = "example.com/hello@v1.0.0"
	opts := &audit.BOMOptions{From: noon, To: noon.Add(time.Hour)}
	tests := []struct {
		name   string
		change func(*audit.Record)
		want   []string
	}{
		{"a zip", func(*audit.Record) {}, []string{hello}},
		{"a part", func(r *audit.Record) { r.Status, r.Sent = 206, 1 }, []string{hello}},
		{"one that broke off", func(r *audit.Record) { r.Sent = 1 }, []string{hello}},
		{"one of which nothing was sent", func(r *audit.Record) { r.Sent = 0 }, []string{}},
		{"one that was there already", func(r *audit.Record) { r.Status = 304 }, []string{}},
		{"one that would be denied", func(r *audit.Record) { r.Decision = audit.WouldDeny }, []string{hello}},
		{"a denial", func(r *audit.Record) { r.Decision = audit.Denied }, []string{}},
		{"a go.mod file", func(r *audit.Record) { r.Kind = "mod" }, []string{}},
		{"a record without a module", func(r *audit.Record) { r.Module = "" }, []string{}},
		{"just before", func(r *audit.Record) { r.Time = noon.Add(-1) }, []string{}},
		{"the last moment", func(r *audit.Record) { r.Time = noon.Add(time.Hour - 1) }, []string{hello}},
		{"just after", func(r *audit.Record) { r.Time = noon.Add(time.Hour) }, []string{}},
	}
	for _, tt := range tests {
		r := served("example.com/hello", "v1.0.0")
		tt.change(&r)
		if diff := cmp.Diff(tt.want, names(t, bom(t, opts, r))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestCycloneDXOfOpenPeriods(t *testing.T) {
	r := served("example.com/hello", "v1.0.0")
	tests := []struct {
		opts audit.BOMOptions
		want int
	}{
		{audit.BOMOptions{From: noon}, 1},
		{audit.BOMOptions{From: noon.Add(1)}, 0},
		{audit.BOMOptions{To: noon}, 0},
		{audit.BOMOptions{To: noon.Add(1)}, 1},
		{audit.BOMOptions{From: noon, To: noon}, 0},
		{audit.BOMOptions{}, 1},
	}
	for _, tt := range tests {
		if got := names(t, bom(t, &tt.opts, r)); len(got) != tt.want {
			t.Errorf("from %v to %v: %v, want %d", tt.opts.From, tt.opts.To, got, tt.want)
		}
	}
}

func TestCycloneDXOrder(t *testing.T) {
	want := []string{
		"example.com/Z@v1.0.0", "example.com/a@v0.9.0", "example.com/a@v0.10.0-rc.1", "example.com/a@v0.10.0",
		"example.com/a@v2.0.0", "example.com/a@v2.0.0+incompatible", "example.com/a/b@v1.0.0",
	}
	var records []audit.Record
	for _, name := range want {
		module, version, _ := strings.Cut(name, "@")
		for i := range 3 { // handed out several times, from several places
			r := served(module, version)
			r.Origin, r.Verified = fmt.Sprint("source ", i), fmt.Sprint("database ", i)
			records = append(records, r)
		}
	}
	first := bom(t, nil, records...)
	if diff := cmp.Diff(want, names(t, first)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if got := strings.Count(first, `"source 1"`); got != len(want) {
		t.Errorf("an origin is named %d times, want once for each of %d", got, len(want))
	}
	for range 20 {
		rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		if diff := cmp.Diff(first, bom(t, nil, records...)); diff != "" {
			t.Fatalf("depends on the order of the records:\n%s", diff)
		}
	}
}

// Different bytes under one version are what a list like this is read for.
func TestCycloneDXShowsTwoZipsOfOneVersion(t *testing.T) {
	one, other, same := served("example.com/hello", "v1.0.0"), served("example.com/hello", "v1.0.0"), served("example.com/hello", "v1.0.0")
	other.SHA256 = strings.Repeat("ff", 32)
	same.SHA256 = strings.ToUpper(one.SHA256)
	got := bom(t, nil, other, one, same)
	for range 20 {
		if again := bom(t, nil, one, other); again != got {
			t.Fatalf("once\n%s\nand then\n%s", got, again)
		}
	}
	if diff := cmp.Diff([]string{"example.com/hello@v1.0.0", "example.com/hello@v1.0.0"}, names(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, digest := range []string{one.SHA256, other.SHA256} {
		if !strings.Contains(got, `"content": "`+digest+`"`) || !strings.Contains(got, `"bom-ref": "example.com/hello@v1.0.0#`+digest+`"`) {
			t.Errorf("%s is missing: %s", digest, got)
		}
	}
}

// The examples are those of the purl specification, or follow from its rules.
func TestPURL(t *testing.T) {
	tests := []struct{ module, version, want string }{
		{"github.com/gorilla/context", "234fd47e07d1004f0aed9c", "pkg:golang/github.com/gorilla/context@234fd47e07d1004f0aed9c"},
		{"github.com/BurntSushi/toml", "v1.5.0", "pkg:golang/github.com/burntsushi/toml@v1.5.0"},
		{"github.com/docker/docker", "v28.3.3+incompatible", "pkg:golang/github.com/docker/docker@v28.3.3%2Bincompatible"},
		{"gopkg.in/yaml.v2", "v2.4.0", "pkg:golang/gopkg.in/yaml.v2@v2.4.0"},
		{"golang.org/toolchain", "v0.0.1-go1.26.0.linux-amd64", "pkg:golang/golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64"},
		{"example.com/~u/x-y_z", "v0.0.0-20260304120000-0123456789AB", "pkg:golang/example.com/~u/x-y_z@v0.0.0-20260304120000-0123456789AB"},
		{"go4.org", "v0.0.0-20260304120000-0123456789ab", "pkg:golang/go4.org@v0.0.0-20260304120000-0123456789ab"},
		{"example.com/a b/c?d#e@f%g", "v1.0.0:x", "pkg:golang/example.com/a%20b/c%3Fd%23e%40f%25g@v1.0.0:x"},
		{"example.com/\u00e9", "", "pkg:golang/example.com/%C3%A9"},
	}
	for _, tt := range tests {
		if got := bom(t, nil, served(tt.module, tt.version)); !strings.Contains(got, `"purl": "`+tt.want+`"`) {
			t.Errorf("want %s in %s", tt.want, got)
		}
	}
}

func TestCycloneDXErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	half := func(yield func(audit.Record, error) bool) {
		_ = yield(served("example.com/hello", "v1.0.0"), nil) && yield(audit.Record{}, broken)
	}
	var out bytes.Buffer
	if err := audit.WriteCycloneDX(&out, half, nil); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	for _, opts := range []audit.BOMOptions{
		{SerialNumber: "3e671687-395b-41f5-a30f-a58921a69b79"}, {SerialNumber: "urn:uuid:3E671687-395B-41F5-A30F-A58921A69B79"},
		{From: noon, To: noon.Add(-1)},
	} {
		if err := audit.WriteCycloneDX(&out, each(), &opts); err == nil {
			t.Errorf("%+v: no error", opts)
		}
	}
	if out.Len() > 0 {
		t.Errorf("wrote %s", out.String())
	}
	reader, writer := io.Pipe()
	reader.CloseWithError(broken)
	if err := audit.WriteCycloneDX(writer, each(), nil); !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's", err)
	}
}
