package auth

import (
	"net/http"
	"strings"
)

// parseNetrc reads a netrc file as the go command does (auth/netrc.go), quirks
// and all: "default" is ignored, a macro ends at an empty line, a line of an odd
// number of words loses the last, and of two entries for a machine the first
// counts. What it cannot make out it leaves out.
func parseNetrc(data string) table {
	t := make(table)
	var machine, login, password string
	inMacro := false
	for line := range strings.SplitSeq(data, "\n") {
		if inMacro {
			inMacro = line != ""
			continue
		}
		words := strings.Fields(line)
		i := 0
		for ; i < len(words)-1; i += 2 {
			switch words[i] {
			case "machine":
				machine, login, password = words[i+1], "", ""
			case "login":
				login = words[i+1]
			case "password":
				password = words[i+1]
			case "macdef":
				inMacro = true
			}
			if machine != "" && login != "" && password != "" {
				t.addFirst(normal(machine), login, password)
				machine, login, password = "", "", ""
			}
		}
		if i < len(words) && words[i] == "default" {
			break
		}
	}
	return t
}

func (t table) addFirst(prefix, login, password string) {
	if _, ok := t[prefix]; !ok {
		t[prefix] = basic(login, password)
	}
}

// basic returns the header field of basic authentication.
func basic(user, password string) http.Header {
	r := http.Request{Header: make(http.Header)}
	r.SetBasicAuth(user, password)
	return r.Header
}
