package gocmd

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A gitRun is a git process that the go command started, as git's own trace
// tells of it (GIT_TRACE2_EVENT).
type gitRun struct {
	argv   []string
	ended  bool // by itself: one that is killed says nothing more
	code   int
	errors []string // what it, or a process that it started, complained of
}

// maxTrace bounds what is read of a trace, in bytes. git writes lines for each
// piece of a transfer, so a trace grows with what is cloned.
const maxTrace = 256 << 20

// readRuns reads a trace in the order in which the processes started. No file
// means that git was not started, or is too old to tell (before 2.22).
func readRuns(file string) []gitRun {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var order []string
	runs := map[string]*gitRun{}
	for line := range lines(f) {
		var e struct {
			Event string
			SID   string
			Argv  []string
			Code  int
			Msg   string
		}
		if json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		root, _, isChild := strings.Cut(e.SID, "/")
		if e.Event == "start" && !isChild {
			order = append(order, root)
			runs[root] = &gitRun{argv: e.Argv}
		}
		r := runs[root]
		switch {
		case r == nil:
		case e.Event == "exit" && !isChild:
			r.ended, r.code = true, e.Code
		case e.Event == "error" && len(r.errors) < maxTextLines:
			r.errors = append(r.errors, e.Msg)
		}
	}
	var all []gitRun
	for _, sid := range order {
		all = append(all, *runs[sid])
	}
	return all
}

// lines yields the lines of a trace without their ends; those over 64 KiB come
// in pieces that mean nothing.
func lines(r io.Reader) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		in := bufio.NewReaderSize(io.LimitReader(r, maxTrace), 64<<10)
		for {
			line, _, err := in.ReadLine()
			if err != nil || !yield(string(line)) {
				return
			}
		}
	}
}

// does reports whether the process ran the git command with that name.
func (r gitRun) does(names ...string) bool {
	for i := 1; i < len(r.argv); i++ {
		switch {
		case r.argv[i] == "-c":
			i++
		case strings.HasPrefix(r.argv[i], "-"):
		default:
			return slices.Contains(names, r.argv[i])
		}
	}
	return false
}

// uses reports whether the process was to go over the network, by a protocol
// that git is allowed: the go command tries others, too.
func (r gitRun) uses(protocols []string) bool {
	if !r.does("ls-remote", "fetch") {
		return false
	}
	scheme := r.scheme()
	return scheme == "" || slices.Contains(protocols, scheme)
}

// scheme is that of the URL that an ls-remote ends with; empty for a fetch,
// which names a remote.
func (r gitRun) scheme() string {
	scheme, _, ok := strings.Cut(r.argv[len(r.argv)-1], "://")
	if !ok {
		return ""
	}
	return scheme
}

// transfers is what git's HTTP library had from repositories. What the proxy
// answered to CONNECT does not count.
type transfers struct {
	status   int  // of the last request; 0: it was not answered, or there was none
	failed   bool // a request before it was not answered, or with a failure of the server
	protocol bool // an answer was in git's own protocol
}

// readTransfers reads a trace of HTTP headers (GIT_TRACE_CURL).
func readTransfers(file string) (t transfers) {
	f, err := os.Open(file)
	if err != nil {
		return t
	}
	defer f.Close()
	connecting, asked := false, false
	for line := range lines(f) {
		if _, sent, ok := strings.Cut(line, "=> Send header: "); ok {
			if strings.Contains(sent, " HTTP/") {
				again := strings.HasPrefix(sent, "CONNECT ")
				if asked && (!connecting || again) { // what follows CONNECT is what it was for
					t.failed = t.failed || t.status == 0 || t.status >= 500
				}
				connecting, asked = again, true
				t.status = 0
			}
			continue
		}
		_, header, ok := strings.Cut(line, "<= Recv header: ")
		if !ok || connecting {
			continue
		}
		if status := statusOf(header); status >= 200 { // not an interim one
			t.status = status
		}
		name, value, _ := strings.Cut(header, ":")
		if strings.EqualFold(name, "Content-Type") && strings.HasPrefix(strings.TrimSpace(value), "application/x-git-") {
			t.protocol = true
		}
	}
	return t
}

// statusOf reads "HTTP/1.1 404 Not Found"; 0: another header.
func statusOf(header string) int {
	fields := strings.Fields(header)
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "HTTP/") {
		return 0
	}
	status, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return status
}
