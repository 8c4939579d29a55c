package upstream

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// minSecret is the length of the shortest part of a field that counts as secret
// by itself: the scheme "Bearer" does not.
const minSecret = 8

// secretsIn returns what nobody may read in an error, for each value of a header
// field: all of it, its longer parts, and what basic authentication encodes.
func secretsIn(values []string) []string {
	var secrets []string
	for _, value := range values {
		secrets = append(secrets, value)
		secrets = append(secrets, long(strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t;,=\"", r) }))...)
		r := http.Request{Header: http.Header{"Authorization": {value}}}
		user, password, _ := r.BasicAuth()
		if password == "" || password == "x-oauth-basic" {
			user, password = "", user // a token in the place of a name
		}
		secrets = append(secrets, user+":"+password, password)
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" || s == ":" })
}

// secretsInQuery returns what may be the signature in a URL that a redirect
// leads to, as it is sent and as it is meant.
func secretsInQuery(u *url.URL) []string {
	if u.RawQuery == "" {
		return nil
	}
	secrets := long(strings.FieldsFunc(u.RawQuery, func(r rune) bool { return r == '&' || r == '=' }))
	for _, values := range u.Query() {
		secrets = append(secrets, long(values)...)
	}
	return secrets
}

func long(all []string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < minSecret })
}

// leaks reports whether text holds something that was sent in secret, also if
// it is broken into lines or escaped as in a URL.
func (v *visit) leaks(text string) bool {
	if len(v.secrets) == 0 {
		return false
	}
	text = unbroken(text)
	return slices.ContainsFunc(v.secrets, func(secret string) bool {
		return slices.ContainsFunc([]string{secret, url.QueryEscape(secret), url.PathEscape(secret),
			base64.StdEncoding.EncodeToString([]byte(secret))}, func(form string) bool {
			return strings.Contains(text, strings.TrimRight(unbroken(form), "="))
		})
	})
}

func unbroken(s string) string { return strings.Join(strings.Fields(s), "") }

var errRepeats = errors.New("what was said of it is left out, for it repeats the credentials")

// screen returns the beginning of an error's body, unless it leaks a secret.
func (v *visit) screen(body io.Reader) io.Reader {
	// What is shown is from the first maxTextBytes; a secret that begins there
	// ends within what is read here.
	data, _ := io.ReadAll(io.LimitReader(body, 8<<10))
	if v.leaks(string(data)) {
		return strings.NewReader(errRepeats.Error())
	}
	return bytes.NewReader(data)
}

// clean replaces a cause whose text leaks a secret.
func (v *visit) clean(e *Error) *Error {
	if e.Err != nil && v.leaks(e.Err.Error()) {
		e.Err = errRepeats
	}
	return e
}

// body has the errors of a response's body checked like others.
func (v *visit) body(body io.ReadCloser) io.ReadCloser {
	if len(v.secrets) == 0 {
		return body
	}
	return screenedBody{body, v}
}

type screenedBody struct {
	io.ReadCloser
	visit *visit
}

func (b screenedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.visit.leaks(err.Error()) {
		err = errRepeats
	}
	return n, err
}
