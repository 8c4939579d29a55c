package verify_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

// database returns what a checksum database with n records answers for a
// resource, in its own words.
func database(t testing.TB, n int) func(resource string) string {
	t.Helper()
	signer, _, err := note.GenerateKey(nil, "sum.example")
	if err != nil {
		t.Fatal(err)
	}
	handler := sumdb.NewServer(sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		return fmt.Appendf(nil, "%[1]s %[2]s h1:abc=\n%[1]s %[2]s/go.mod h1:def=\n", path, version), nil
	}))
	get := func(resource string) string {
		t.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/"+resource, nil))
		if w.Code != 200 {
			t.Fatalf("%s: status %d: %s", resource, w.Code, w.Body)
		}
		return w.Body.String()
	}
	for i := range n {
		get(fmt.Sprintf("lookup/a.example/m@v1.0.%d", i))
	}
	return get
}

func TestSumDB(t *testing.T) {
	const (
		db        = "sumdb/sum.example/"
		supported = db + "supported"
		latest    = db + "latest"
		lookup    = db + "lookup/a.example/m@v1.0.0"
		partial   = db + "tile/8/0/000.p/3"
		full      = db + "tile/8/0/000"
		upper     = db + "tile/8/1/000.p/1"
		data      = db + "tile/8/data/000.p/3"
		fullData  = db + "tile/8/data/000"

		notHead, notRecord, notTile = "not a signed tree head", "not a record", "tile has"
		notRecords                  = "tile does not hold"
	)
	get, getOne := database(t, 256), database(t, 1)
	head := get("latest")
	unsigned, signature, _ := strings.Cut(head, "\n\n")
	record, _, _ := strings.Cut(get("lookup/a.example/m@v1.0.0"), "\n\n")
	tile := get("tile/8/0/000")

	checkForms(t, []form{
		{"supported", supported, "", ""},
		{"supported, it says", supported, "ok\n", ""},
		{"supported page", supported, page, "a page"},
		{"supported page after blanks", supported, "\r\n  " + page, "a page"},

		{"latest", latest, head, ""},
		{"latest of one", latest, getOne("latest"), ""},
		{"latest with two signatures", latest, head + "— other.example Az3grlgtzPICa5OS8npVmf1Myq\n", ""},
		{"latest unsigned", latest, unsigned + "\n", notHead},
		{"latest with no signature", latest, unsigned + "\n\n", notHead},
		{"latest with another text", latest, "other tree\n1\nabc\n\n" + signature, notHead},
		{"latest with a bad hash", latest, "go.sum database tree\n1\nabc\n\n" + signature, notHead},
		{"latest truncated", latest, head[:40], notHead},
		{"latest empty", latest, "", notHead},
		{"latest page", latest, page, notHead},
		{"latest JSON", latest, message, notHead},

		{"lookup", lookup, get("lookup/a.example/m@v1.0.0"), ""},
		{"lookup of one", lookup, getOne("lookup/a.example/m@v1.0.0"), ""},
		{"lookup without a tree head", lookup, record + "\n\n", notHead},
		{"lookup with an unsigned head", lookup, record + "\n\n" + unsigned + "\n", notHead},
		{"lookup without a record", lookup, head, notRecord},
		{"lookup of another version", lookup, get("lookup/a.example/m@v1.0.1"), "another module or version"},
		{"lookup truncated", lookup, record, notRecord},
		{"lookup empty", lookup, "", notRecord},
		{"lookup page", lookup, page, notRecord},
		{"lookup binary", lookup, "0\n" + binary + "\n\n" + head, notRecord},

		{"tile", full, tile, ""},
		{"partial tile", partial, get("tile/8/0/000.p/3"), ""},
		{"tile of an upper level", upper, get("tile/8/1/000.p/1"), ""},
		{"full tile for a partial one", partial, tile, notTile},
		{"partial tile for a full one", full, get("tile/8/0/000.p/3"), notTile},
		{"tile with one byte more", full, tile + "\n", notTile},
		{"tile truncated", full, tile[:len(tile)-1], notTile},
		{"tile empty", full, "", notTile},
		{"tile page", full, page, notTile},

		{"data tile", fullData, get("tile/8/data/000"), ""},
		{"partial data tile", data, get("tile/8/data/000.p/3"), ""},
		{"data tile empty", data, "", notRecords},
		{"data tile page", data, page, notRecords},
		{"data tile truncated", data, strings.TrimSpace(get("tile/8/data/000.p/3")), notRecords},
		{"data tile that goes on", data, get("tile/8/data/000.p/3") + "a.example/m", notRecords},
		{"full data tile for a partial one", data, get("tile/8/data/000"), notRecords},
	})
}
