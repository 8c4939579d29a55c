package verify_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

const (
	h1 = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	h2 = "h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
)

// What was joined and written is a go.sum file in the go command's order, and lists
// what each of them did.
func TestJoinAndWriteGoSum(t *testing.T) {
	one := parseGoSum(t, "one/go.sum", "b.example/m v1.10.0 "+h1+"\na.example/m v1.2.0/go.mod "+h1+"\na.example/m v1.2.0 "+h1+"\n")
	two := parseGoSum(t, "two/go.sum", "b.example/m v1.9.0/go.mod "+h2+"\na.example/m v1.2.0 "+h2+"\na.example/m v1.2.0 "+h1+"\n")
	all := verify.JoinGoSums(nil, one, nil, two)

	var text strings.Builder
	n, err := all.WriteTo(&text)
	if err != nil || n != int64(text.Len()) {
		t.Errorf("%d bytes, %v", n, err)
	}
	want := "a.example/m v1.2.0 " + h1 + "\na.example/m v1.2.0 " + h2 + "\na.example/m v1.2.0/go.mod " + h1 + "\n" +
		"b.example/m v1.9.0/go.mod " + h2 + "\nb.example/m v1.10.0 " + h1 + "\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again := parseGoSum(t, "again", text.String()); !slices.Equal(all.Files(), again.Files()) {
		t.Errorf("it is read as %v, want %v", again.Files(), all.Files())
	}
	if got := verify.JoinGoSums(nil, nil); got != nil {
		t.Errorf("of none: %v", got)
	}
	if got := verify.JoinGoSums(one, one); got != one {
		t.Error("one and itself are more than one")
	}
}

type fullDisk struct{ error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.error }

func TestWriteGoSumFails(t *testing.T) {
	full := errors.New("no space left")
	if _, err := parseGoSum(t, "go.sum", "a.example/m v1.0.0 "+h1+"\n").WriteTo(fullDisk{full}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}
