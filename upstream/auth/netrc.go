package auth

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A Login is what a netrc file has for a machine. It prints without the password.
type Login struct {
	// Machine is a host name as it is written, and Name and Password are what is sent
	// to it. None is empty: an entry that lacks one is left out.
	Machine, Name, Password string
}

// Format prints the machine for every verb.
func (l Login) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, l.Machine) }

// ParseNetrc reads a netrc file as the go command does (auth/netrc.go), quirks
// and all: "default" is ignored, a macro ends at an empty line, and a line of an
// odd number of words loses the last. What it cannot make out it leaves out.
func ParseNetrc(data string) []Login {
	var all []Login
	var l Login
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
				l = Login{Machine: words[i+1]}
			case "login":
				l.Name = words[i+1]
			case "password":
				l.Password = words[i+1]
			case "macdef":
				inMacro = true
			}
			if l.Machine != "" && l.Name != "" && l.Password != "" {
				all = append(all, l)
				l = Login{}
			}
		}
		if i < len(words) && words[i] == "default" {
			break
		}
	}
	return all
}

// netrcTable has the first of several logins for a machine.
func netrcTable(data string) table {
	t := make(table)
	for _, l := range ParseNetrc(data) {
		t.addFirst(normal(l.Machine), l.Name, l.Password)
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
