package cli

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// explain says in one line what failed and what to do.
func (a *app) explain(err error, code int) string {
	if code == exitInterrupted {
		return "interrupted: what was downloaded stays, and the same command goes on from there"
	}
	text := withoutUsers(firstLine(err))
	if hint := a.hint(err, code); hint != "" {
		return text + "; " + hint
	}
	return text
}

func (a *app) hint(err error, code int) string {
	if saysWhatToDo(err) {
		return ""
	}
	_, final := errors.AsType[finalError](err)
	switch {
	case isFull(err) && isOutput(err):
		return "what the output goes to is full: make room there"
	case isFull(err):
		return "the disk is full: make room, or name another place"
	case errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.EISDIR):
		return "something else is in the way: name another place, or take it away"
	case code == exitLocal && isNotWritable(err):
		return "you may not write or read there: name another place, or change its permissions"
	case final:
		return "" // no source is to be blamed
	case isLate(err) && a.timeout > 0:
		return "the same command goes on from there, and -timeout gives it longer"
	case code == exitNotFound && display.IsOff(err):
		return "name a source in GOPROXY or with -goproxy"
	case code == exitNotFound && isList(err):
		return "check how it is spelled: the path of a module, and not of a package in it"
	case code == exitNotFound:
		return "check how it is spelled: \"modget list PATH\" has a module's versions"
	case code == exitUnavailable:
		return "\"modget doctor\" says which source is ill, and the same command goes on from here"
	case code == exitUntrusted:
		return "do not use it: \"modget mirrors\" shows which source sends it"
	}
	return ""
}

// saysWhatToDo reports whether err does so itself, so that no hint is needed.
func saysWhatToDo(err error) bool {
	if errors.Is(err, upstream.ErrOffline) {
		return true
	}
	_, list := errors.AsType[*manifest.Error](err)
	_, noGo := errors.AsType[*install.NoGoError](err)
	_, notWritable := errors.AsType[*install.NotWritableError](err)
	_, full := errors.AsType[*install.DiskFullError](err)
	_, modified := errors.AsType[*install.ModifiedError](err)
	_, unstored := errors.AsType[*fetch.UnstoredError](err)
	return list || noGo || notWritable || full || modified || unstored
}

// isList reports whether err is of a module's list of versions.
func isList(err error) bool {
	e, ok := errors.AsType[*upstream.Error](err)
	return ok && e.Request.Kind() == upstream.List
}

// isOutput reports whether err is of writing results, and not of storing files.
func isOutput(err error) bool {
	path, ok := errors.AsType[*fs.PathError](err)
	return ok && path.Path == os.Stdout.Name()
}

// firstLine returns err as one line that can be shown on a terminal: of several errors
// the first, and what the other sources said is left out.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return display.Printable(line)
}
