package fetch_test

import (
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
)

func TestRatios(t *testing.T) {
	type counts = [fetch.Outcomes]int64
	tests := []struct {
		name          string
		requests      counts
		success, hits float64
	}{
		{"none yet", counts{}, 1, 1},
		{"one of each", counts{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 8.0 / 9, 4.0 / 7},
		{"failures", counts{fetch.HitMemory: 1, fetch.Failed: 3}, 0.25, 1},
		{"no source might be asked", counts{fetch.Offline: 3, fetch.Failed: 1}, 0, 1},
		{"callers that went away", counts{fetch.Canceled: 3}, 1, 1},
		{"the caller may not", counts{fetch.Denied: 1, fetch.Miss: 1}, 1, 0},
	}
	for _, tt := range tests {
		s := &fetch.Stats{Requests: tt.requests, Modules: tt.requests}
		if s.Success() != tt.success || s.HitRatio() != tt.hits {
			t.Errorf("%s: success %v, hit ratio %v; want %v and %v", tt.name, s.Success(), s.HitRatio(), tt.success, tt.hits)
		}
	}
}
