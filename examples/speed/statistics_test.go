package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuartiles(t *testing.T) {
	for _, tt := range []struct {
		xs   []float64
		want quartiles
	}{
		{[]float64{7}, quartiles{7, 7, 7}},
		{[]float64{3, 1}, quartiles{1.5, 2, 2.5}},
		{[]float64{5, 1, 4, 2, 3}, quartiles{2, 3, 4}},
		{[]float64{4, 3, 2, 1}, quartiles{1.75, 2.5, 3.25}},
		{[]float64{1, 1, 1, 1, 1000}, quartiles{1, 1, 1}},
	} {
		before := append([]float64(nil), tt.xs...)
		if diff := cmp.Diff(tt.want, quartilesOf(tt.xs), cmp.AllowUnexported(quartiles{})); diff != "" {
			t.Errorf("the quartiles of %v (-want +got):\n%s", tt.xs, diff)
		}
		if diff := cmp.Diff(before, tt.xs); diff != "" {
			t.Errorf("the figures were changed (-want +got):\n%s", diff)
		}
	}
}
