package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// parseOutput reads what a GOAUTH command prints ("go help goauth") as the go
// command does (auth/userauth.go): URLs, one a line, an empty line, header
// fields, one a line, and an empty line, as often as wanted. For a URL that comes
// twice the second counts. URLs that cannot match, because they are not https or
// more than a prefix, are left out. The error quotes nothing, for it might be the secret.
func parseOutput(data string) (table, error) {
	t := make(table)
	for n := 1; data != ""; n++ {
		urls, rest, ok := cutBlock(data)
		if !ok {
			return nil, fmt.Errorf("block %d: there is no empty line after the URLs", n)
		}
		lines, rest, ok := cutBlock(rest)
		if !ok {
			return nil, fmt.Errorf("block %d: there is no empty line after the header", n)
		}
		fields, err := parseFields(lines)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", n, err)
		}
		for _, line := range urls {
			u, err := url.ParseRequestURI(line)
			if err != nil {
				return nil, fmt.Errorf("block %d: a URL cannot be read", n)
			}
			if u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery {
				t[normal(u.String())] = fields
			}
		}
		data = rest
	}
	if len(t) > maxPrefixes {
		return nil, fmt.Errorf("more than %d URLs", maxPrefixes)
	}
	return t, nil
}

// cutBlock cuts the lines before the next empty line off data.
func cutBlock(data string) (lines []string, rest string, ok bool) {
	for {
		line, after, found := strings.Cut(data, "\n")
		if !found {
			return nil, "", false
		}
		if line == "" {
			return lines, after, true
		}
		lines, data = append(lines, line), after
	}
}

var errField = errors.New("a header line is not \"Name: value\"")

func parseFields(lines []string) (http.Header, error) {
	fields := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ": ")
		value = strings.TrimSpace(value)
		if !ok || name == "" || strings.ContainsFunc(name, notInToken) || strings.ContainsFunc(value, isControl) {
			return nil, errField
		}
		fields.Add(name, value)
	}
	return fields, nil
}

func notInToken(r rune) bool {
	alnum := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
