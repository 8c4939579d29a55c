package cachetest_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// wantSays looks whether a suite found what it had to, by what it says of it; no
// words stand for nothing found.
func wantSays(t *testing.T, err error, words string) {
	t.Helper()
	switch {
	case words == "" && err != nil:
		t.Errorf("found in a store without a fault: %.1000v", err)
	case words != "" && err == nil:
		t.Error("found nothing")
	case words != "" && !strings.Contains(err.Error(), words):
		t.Errorf("found something else than %q: %.1000v", words, err)
	}
}

func TestReopenFaults(t *testing.T) {
	for fault, words := range map[string]string{
		"":                                 "",
		"opens once":                       "opened 2 times: opening the store",
		"cannot be closed":                 "opened 1 times: busy",
		"forgets everything":               "not in the cache",
		"forgets what is put over another": "content is",
		"forgets what is committed":        "not in the cache",
		"forgets what is deleted":          "found an entry, want a miss",
		"forgets what is swapped":          "not in the cache",
		"rounds times":                     "Fetched is",
		"loses its list":                   "List gives",
		"takes nothing more":               "read-only",
	} {
		t.Run(fault, func(t *testing.T) {
			wantSays(t, cachetest.TestReopen(newShelf(fault).open), words)
		})
	}
}

func TestDamageFaults(t *testing.T) {
	for fault, words := range map[string]string{
		"":                       "",
		"fails":                  "after the damage: Get",
		"gives flipped bytes":    "after the damage: Get",
		"gives what is left":     "after the damage: Get",
		"gives no bytes":         "after the damage: Get",
		"notices too late":       "after the damage: Get",
		"damages the neighbours": "ziphash",
		"cannot be healed":       "healing it: Get",
		"needs to notice":        "healing it: Get",
		"thinks that it has it":  "healing it: Get",
		"heals for a while":      "after it was healed: Get",
		"opens once":             "opening the store",
	} {
		t.Run(fault, func(t *testing.T) {
			s := newShelf(fault)
			wantSays(t, cachetest.TestDamage(s.open, s.damage), words)
		})
	}
}
