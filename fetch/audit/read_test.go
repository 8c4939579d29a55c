package audit_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/google/go-cmp/cmp"
)

// readAll returns the records in r and the texts of the errors.
func readAll(r io.Reader) (records []audit.Record, errs []string) {
	for record, err := range audit.Read(r) {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		records = append(records, record)
	}
	return records, errs
}

func TestReadWhatLogWrote(t *testing.T) {
	want := []audit.Record{full(), {Time: noon, Decision: audit.Denied, Status: 403}, {Decision: audit.WouldDeny}}
	for name, r := range map[string]io.Reader{
		"at once":                       strings.NewReader(logOf(want...)),
		"byte by byte":                  iotest.OneByteReader(strings.NewReader(logOf(want...))),
		"with no end of line":           strings.NewReader(strings.TrimSuffix(logOf(want...), "\n")),
		"from a logger with attributes": strings.NewReader(strings.ReplaceAll(logOf(want...), `"audit":`, `"module":"app","audit" : `)),
		"from a logger with attributes of our names": strings.NewReader(strings.ReplaceAll(logOf(want...), `"audit":`,
			`"Time":"x","TIME":1,"Audit":{"decision":"x"},"audit":"x","AUDIT":null,"audit":`)),
		"from a logger with a time of its own": strings.NewReader(strings.ReplaceAll(logOf(want...), `"level":"INFO",`, `"level":"INFO","time":"x",`)),
		"behind blanks":                        strings.NewReader(strings.ReplaceAll(" "+logOf(want...), "\n", "\n \t ")),
		"with other lines": strings.NewReader("\n" + `{"msg":"audit"}` + "\n" + "panic: audit {\n" + logOf(want[:1]...) +
			`{"audit":true}` + "\n" + `{"audit":{"user":"bob","status":"in"}}` + "\n[\"audit\"]\nnull\n" + `{"audit":null}` + "\r\n" +
			`{"audit":"decision"}` + "\n" + `{"audit":{"decision":""}}` + "\n" + logOf(want[1:]...)),
	} {
		got, errs := readAll(r)
		if diff := cmp.Diff(want, got); diff != "" || errs != nil {
			t.Errorf("%s: errors %q, records (-want +got):\n%s", name, errs, diff)
		}
	}
	if got, errs := readAll(strings.NewReader("")); got != nil || errs != nil {
		t.Errorf("an empty log: %v, %v", got, errs)
	}
}

func TestReadNamesTheBrokenLine(t *testing.T) {
	whole := logOf(full())
	tooLong := `{"msg":"` + strings.Repeat("x", 128<<10) + `"}`
	broken := errors.New("disk on fire")
	tests := []struct {
		name    string
		log     io.Reader
		records int
		errs    []string
	}{
		{"cut", strings.NewReader(whole + whole[:200] + "\n" + whole), 2, []string{"line 2: invalid character"}},
		{"cut at the end", strings.NewReader(whole + whole[:200]), 1, []string{"line 2: unexpected end of JSON input"}},
		{"a short piece", strings.NewReader(whole + whole[:1] + "\n" + whole), 2, []string{"line 2: unexpected end of JSON input"}},
		{"behind NUL bytes", strings.NewReader("\x00\x00\x00" + whole + whole), 1, []string{"line 1: invalid character '\\x00'"}},
		{"NUL bytes at the end", strings.NewReader(whole + "\x00\x00\x00"), 1, []string{"line 2: invalid character '\\x00'"}},
		{"behind the rest of a line", strings.NewReader("x" + whole + whole[200:]), 0, []string{"line 1: invalid character 'x'"}},
		{"behind a piece of another", strings.NewReader(whole[:100] + whole + whole), 1, []string{"line 1: invalid character"}},
		{"before a piece of another", strings.NewReader(strings.TrimSpace(whole) + whole[:20] + "\n" + whole), 1, []string{"line 1: invalid character '{' after"}},
		{"too long", strings.NewReader(tooLong + "\n" + whole + tooLong + tooLong + "\n" + whole), 2,
			[]string{"line 1: it is longer than 128 KiB", "line 3: it is longer than 128 KiB"}},
		{"too long at the end", strings.NewReader(whole + tooLong), 1, []string{"line 2: it is longer than 128 KiB"}},
		{"another type", strings.NewReader(whole + `{"audit":{"decision":"allowed","sent":"many"}}` + "\n" + whole), 2,
			[]string{"line 2: json: cannot unmarshal string"}},
		{"no time", strings.NewReader(`{"time":"noon","audit":{"decision":"allowed"}}` + "\n" + whole), 1, []string{"line 1: parsing time"}},
		{"unreadable", io.MultiReader(strings.NewReader(whole+whole[:100]), iotest.ErrReader(broken)), 1, []string{"line 2: disk on fire"}},
		{"unreadable in a long line", io.MultiReader(strings.NewReader(whole+tooLong), iotest.ErrReader(broken)), 1,
			[]string{"line 2: disk on fire"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			records, errs := readAll(tt.log)
			if len(records) != tt.records || len(errs) != len(tt.errs) {
				t.Fatalf("%d records and errors %q, want %d and %q", len(records), errs, tt.records, tt.errs)
			}
			for i, want := range tt.errs {
				if !strings.Contains(errs[i], want) {
					t.Errorf("error %q, want %q", errs[i], want)
				}
			}
		})
	}
	for _, err := range audit.Read(iotest.ErrReader(broken)) {
		if !errors.Is(err, broken) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
}

// Wherever the last line ends before its end, that is told: a bill of materials
// would look complete without it.
func TestReadTellsOfEveryCut(t *testing.T) {
	whole := strings.TrimSuffix(logOf(full()), "\n")
	for n := 1; n < len(whole); n++ {
		if records, errs := readAll(strings.NewReader(whole[:n])); len(records) != 0 || len(errs) != 1 {
			t.Errorf("cut after %d bytes: %d records, errors %q; want one error", n, len(records), errs)
		}
	}
}

func TestReadStopsWithTheLoop(t *testing.T) {
	lines := strings.NewReader(logOf(full()) + "{\"audit\":\n" + logOf(full()))
	turns := 0
	for range audit.Read(lines) {
		turns++
		break
	}
	for _, err := range audit.Read(strings.NewReader("{\"audit\":\n" + logOf(full()))) {
		if turns++; err != nil {
			break
		}
	}
	if turns != 2 {
		t.Errorf("%d turns, want 2", turns)
	}
}

// What can be read can be logged, and says the same then.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "{", `{"audit":{"decision":"allowed"}}`, `{"audit":{"decision":"x","size":-1,"caller":"\u0000\ud800"}}`,
		`{"time":"2026-03-04T12:00:00Z","audit":{"decision":"denied","module":"a.b/c"}}` + "\nx\n", `{"audit":{"decision":1}}`,
		`{"AUDIT":{"decision":""},"audit":{}}`, `{"audit":{"decision":""}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, log string) {
		records, errs := readAll(strings.NewReader(log))
		if most := strings.Count(log, "\n") + 1; len(records)+len(errs) > most {
			t.Fatalf("%d records and %d errors in %d lines", len(records), len(errs), most)
		}
		first := logOf(records...)
		again, errs := readAll(strings.NewReader(first))
		if errs != nil {
			t.Fatalf("what was logged cannot be read: %q", errs)
		}
		if diff := cmp.Diff(first, logOf(again...)); diff != "" {
			t.Errorf("it changed on the way (-before +after):\n%s", diff)
		}
	})
}
