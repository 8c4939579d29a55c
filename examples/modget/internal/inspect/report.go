package inspect

import (
	"fmt"

	"golang.org/x/mod/module"
)

// A Verdict is what was found out of a file or a directory.
type Verdict uint8

// The verdicts. Of the modules for which there is no sum to compare with, which are
// NotInDatabase, Unavailable and Exempt, it is still found out whether they are
// damaged, or differ from what the go command noted in a .ziphash file.
const (
	OK            Verdict = iota + 1 // it is what the verifier vouches for
	Mismatch                         // it is whole, and something else
	Damaged                          // it is no zip any more
	Modified                         // the unpacked directory is not what was in the zip
	NotInDatabase                    // the verifier knows nothing of it
	Unavailable                      // the verifier could not be asked, which says nothing of the file
	Exempt                           // the verifier was not asked, by Options.Exempt
	Unreadable                       // it could not be read, or is a link that leads elsewhere
)

var verdicts = [...]string{
	OK: "ok", Mismatch: "mismatch", Damaged: "damaged", Modified: "modified", NotInDatabase: "not in database",
	Unavailable: "unavailable", Exempt: "exempt", Unreadable: "unreadable",
}

// String returns the verdict in words, such as "not in database".
func (v Verdict) String() string {
	if int(v) < len(verdicts) && verdicts[v] != "" {
		return verdicts[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// MarshalText returns String.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// IsBad reports whether the verdict is that something is wrong with the bytes.
func (v Verdict) IsBad() bool { return v == Mismatch || v == Damaged || v == Modified }

// A Finding is the verdict on one file or one unpacked directory.
type Finding struct {
	// Module is zero for a directory that could not be read: what is in it is
	// not known.
	Module  module.Version
	File    string // its name in the tree, with slashes
	Verdict Verdict

	// Want is the hash that it must have, in the form of a go.sum file; where
	// several will do they are separated by spaces. Got is the one that it has.
	// Each is empty where it is not known.
	Want, Got string

	// Err says why. It is nil where the verdict and the hashes say everything. For
	// Unavailable its upstream.Class says more: of class Untrusted, the database
	// contradicts itself, or somebody on the way to it lies.
	Err error
}

// String returns the finding in one line, which is all of it.
func (f Finding) String() string {
	text := fmt.Sprintf("%s: %s", f.File, f.Verdict)
	if f.Verdict != OK && f.Want != "" {
		text += fmt.Sprintf(": want %s, got %s", f.Want, f.Got)
	}
	if f.Err != nil {
		text += fmt.Sprintf(": %v", f.Err)
	}
	return text
}

// MaxFindings is how many findings a Report keeps.
const MaxFindings = 10_000

// A Report is what was found in a tree: how many files and unpacked directories
// there are of modules, and how many of those have which verdict.
type Report struct {
	Checked int // all of them: the sum of the others

	OK          int
	Bad         int // Mismatch, Damaged or Modified
	Unknown     int // NotInDatabase
	Unavailable int
	Exempt      int
	Unreadable  int

	// Findings are the first MaxFindings that are neither OK nor Exempt, in the
	// order in which they were made; Omitted is how many more there are.
	Findings []Finding
	Omitted  int
}

func (r *Report) add(f Finding) {
	r.Checked++
	switch f.Verdict {
	case OK:
		r.OK++
		return
	case Exempt:
		r.Exempt++
		return
	case NotInDatabase:
		r.Unknown++
	case Unavailable:
		r.Unavailable++
	case Unreadable:
		r.Unreadable++
	default:
		r.Bad++
	}
	if len(r.Findings) == MaxFindings {
		r.Omitted++
		return
	}
	r.Findings = append(r.Findings, f)
}
