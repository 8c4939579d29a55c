package display

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"syscall"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// local is the class of an error that no source is to blame for.
const local = "local"

// maxSentence bounds what is shown of an error on one line, in bytes: room enough for
// the two hashes of a file that is not what it should be.
const maxSentence = 400

// ClassOf returns the class of err in words, as the package's comment has them; never
// empty.
func ClassOf(err error) string {
	class := upstream.ClassOf(err)
	if _, ok := errors.AsType[*upstream.Error](err); !ok && class == upstream.Unavailable {
		return local
	}
	return class.String()
}

// explain returns the first sentence of err and what to do about it, on one line. The
// rest of err is for [JSON].
func explain(err error) string {
	text := Sentence(err)
	if do := advice(err); do != "" {
		text += ". " + do + "."
	}
	return text
}

// Sentence returns the first sentence of err, fit for a line of a terminal and of at
// most about 400 bytes. That of an [upstream.Error] does not repeat the module's name,
// which the line has already.
func Sentence(err error) string {
	text := err.Error()
	if e, ok := err.(*upstream.Error); ok {
		text = e.Reason()
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text, _, _ = strings.Cut(Printable(text), ". ")
	if len(text) > maxSentence {
		return strings.ToValidUTF8(text[:maxSentence], "") + "..."
	}
	return strings.TrimSuffix(text, ".")
}

// advice returns what the user can do about err; empty where err says so itself, as
// the library's own refusals do.
func advice(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return "Free some space on the disk, and try again"
	case ClassOf(err) == local && errors.Is(err, fs.ErrPermission):
		return "See that you may write there, or name another directory"
	case ClassOf(err) == local || errors.Is(err, upstream.ErrOffline):
		return ""
	case IsOff(err):
		return "Name a source in GOPROXY"
	}
	switch upstream.ClassOf(err) {
	case upstream.NotFound:
		return "Check the spelling of the path and the version"
	case upstream.Denied:
		return credentials(err)
	case upstream.Timeout:
		return "Try again, or allow it more time"
	case upstream.Unavailable:
		return "Check the network and try again, or name another source in GOPROXY"
	case upstream.Untrusted:
		return mismatch(err)
	case upstream.Overloaded:
		return "Try again with fewer modules at once"
	}
	return ""
}

// mismatch returns advice for files that are not what somebody vouches for.
func mismatch(err error) string {
	if e, ok := errors.AsType[*verify.MismatchError](err); ok && strings.HasSuffix(e.By, ".sum") {
		return "Find out which is right, the go.sum or the source: \"modget query -sum\" says what the checksum database has"
	}
	return "Do not use these files, and tell whoever runs the source"
}

// IsOff reports whether err is of GOPROXY=off, which says of every module that it does
// not exist: there is nothing to be spelled otherwise.
func IsOff(err error) bool {
	e, ok := errors.AsType[*upstream.Error](err)
	return ok && e.Source == upstream.Name(upstream.Off())
}

// credentials returns advice for a source that would not give a module. A refusal with
// another status, or none, is our own policy's, or the checksum database's, and says why;
// and so does one with a text.
func credentials(err error) string {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok || e == nil || e.Status != http.StatusUnauthorized && (e.Status != http.StatusForbidden || e.Text != "") {
		return ""
	}
	return "See that the source lets you in: GOAUTH or .netrc names your credentials"
}
