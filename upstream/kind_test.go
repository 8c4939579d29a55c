package upstream_test

import (
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestKind(t *testing.T) {
	type row struct {
		Name    string
		SumDB   bool
		MaxSize int64
	}
	want := []row{
		{"Kind(0)", false, 1 << 20},
		{"list", false, 4 << 20},
		{"latest", false, 1 << 20},
		{"info", false, 1 << 20},
		{"mod", false, 16 << 20},
		{"zip", false, 500 << 20},
		{"sumdb supported", true, 1 << 20},
		{"sumdb latest", true, 1 << 20},
		{"sumdb lookup", true, 1 << 20},
		{"sumdb tile", true, 4 << 20},
		{"Kind(10)", false, 1 << 20},
	}
	var got []row
	for k := range upstream.Kind(len(want)) {
		got = append(got, row{k.String(), k.SumDB(), k.MaxSize()})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
