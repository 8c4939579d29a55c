package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// An Entry is one element of a GOPROXY list.
type Entry struct {
	// URL is a complete http, https or file URL, or one of the words "direct"
	// and "off". It may hold credentials.
	URL string

	// OnAnyError is whether a "|" follows: the next entry is then tried after
	// any error, and otherwise only after "not found".
	OnAnyError bool
}

var errBadURL = errors.New("invalid proxy URL: it does not parse (a special character in a user name or password must be percent-encoded)")

// ParseGOPROXY reads a list as the go command does (modfetch/proxy.go,
// proxyList): entries are separated by "," or "|", spaces around them and empty
// entries are ignored, a bare host gets "https://", and "direct" or "off" ends
// the list. What the go command refuses is refused: a list without entries, a
// word that is no URL, a scheme that is not http, https or file. Errors name
// the entry, without its credentials.
func ParseGOPROXY(list string) ([]Entry, error) {
	var entries []Entry
	for rest := list; rest != ""; {
		var e Entry
		e.URL, e.OnAnyError, rest = cutEntry(rest)
		if e.URL == "" {
			continue
		}
		if e.URL == "direct" || e.URL == "off" {
			return append(entries, e), nil
		}
		if isBareHost(e.URL) {
			e.URL = "https://" + e.URL
		}
		if _, err := parseSourceURL(e.URL); err != nil {
			return nil, fmt.Errorf("GOPROXY: %w", err)
		}
		entries = append(entries, e)
	}
	if entries == nil {
		return nil, errors.New("GOPROXY list has no entries (want URLs, \"direct\" or \"off\", separated by commas or pipes)")
	}
	return entries, nil
}

func cutEntry(list string) (entry string, onAnyError bool, rest string) {
	entry = list
	if i := strings.IndexAny(list, ",|"); i >= 0 {
		entry, onAnyError, rest = list[:i], list[i] == '|', list[i+1:]
	}
	return strings.TrimSpace(entry), onAnyError, rest
}

// isBareHost is the go command's rule for adding "https://": single words are
// reserved, and what has ":/" or is an absolute path must be a complete URL.
func isBareHost(s string) bool {
	return strings.ContainsAny(s, ".:/") && !strings.Contains(s, ":/") && !filepath.IsAbs(s) && !path.IsAbs(s)
}

// parseSourceURL parses the URL of a module proxy. Its errors never quote the
// input, which may hold a credential in a form that does not parse.
func parseSourceURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errBadURL
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return nil, fmt.Errorf("invalid proxy URL without a host: %s", redact(u))
		}
	case "file":
		if *u != (url.URL{Scheme: u.Scheme, Path: u.Path, RawPath: u.RawPath}) {
			return nil, fmt.Errorf("invalid file:// proxy URL with non-path elements: %s", redact(u))
		}
	case "":
		return nil, fmt.Errorf("invalid proxy URL missing scheme: %s", redact(u))
	default:
		return nil, fmt.Errorf("invalid proxy URL scheme (must be https, http, file): %s", redact(u))
	}
	return u, nil
}

// redact returns u for showing: user information and query are both places
// where people put tokens, so neither survives. In a URL that was mistyped, by a
// slash too many or an unescaped "?", user information stands elsewhere: then
// only what follows the last "@" is shown.
func redact(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath, Opaque: u.Opaque}
	if u.User != nil {
		shown.User = url.User("xxxxx")
	}
	rest := u.Opaque + u.Path + u.RawQuery + u.Fragment
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		after, _, _ := strings.Cut(rest[i+1:], "?")
		return (&url.URL{Scheme: u.Scheme, User: url.User("xxxxx"), Host: after}).String()
	}
	if u.RawQuery != "" {
		shown.RawQuery = "xxxxx"
	}
	return shown.String()
}

// NewGOPROXY makes an Upstream of a GOPROXY list: [NewHTTP] with opts for http
// and https URLs, [Dir] for file URLs, and for "direct" and "off" what [Direct]
// and [Off] are. For a source in the place of [Direct], put [Entry.Open] and
// [Fallback] together.
func NewGOPROXY(list string, opts *HTTPOptions) (Upstream, error) {
	entries, err := ParseGOPROXY(list)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(entries))
	for i, e := range entries {
		u, err := e.Open(opts)
		if err != nil {
			return nil, err
		}
		steps[i] = Step{u, e.OnAnyError}
	}
	return Fallback(steps...), nil
}

// Open makes the source that the entry stands for, as [NewGOPROXY] says.
func (e Entry) Open(opts *HTTPOptions) (Upstream, error) {
	switch e.URL {
	case "direct":
		return Direct(), nil
	case "off":
		return Off(), nil
	}
	u, err := parseSourceURL(e.URL)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "file" {
		return Dir(filePath(u.Path)), nil
	}
	return NewHTTP(e.URL, opts)
}

// filePath turns a file URL's path into the operating system's form; on Windows
// "/C:/dir" becomes `C:\dir`.
func filePath(urlPath string) string {
	p := filepath.FromSlash(urlPath)
	if len(p) > 2 && filepath.VolumeName(p[1:]) != "" {
		return p[1:]
	}
	return p
}
