package verify

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/sumdb/note"
)

// A Database is a checksum database to trust: its name, its key, and where to
// ask it. It is made by [ParseGOSUMDB].
type Database struct {
	// Name is the database's name, a host with an optional path.
	Name string

	// URL is where the database is asked. If it was given in GOSUMDB, Fixed is
	// set and nobody else is to be asked; if not, module proxies may be asked
	// first, and URL is "https://" and the name.
	URL   string
	Fixed bool

	verifier note.Verifier
}

// wellKnownKey is the key of the public checksum database
// (cmd/go/internal/modfetch/key.go).
const (
	wellKnownName  = "sum.golang.org"
	wellKnownKey   = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	wellKnownAlias = "sum.golang.google.cn"
)

// ParseGOSUMDB reads a value of the GOSUMDB variable as the go command does
// (modfetch/sumdb.go, dbDial): the name of the public database or of its alias
// for mainland China, a verifier key, either of them followed by a URL, or "off".
// For "off" the Database is nil. What is none of these is an error, which holds no
// credential of the URL.
func ParseGOSUMDB(value string) (*Database, error) {
	if value == "off" {
		return nil, nil
	}
	if value == wellKnownAlias {
		value = wellKnownName + " https://" + wellKnownAlias
	}
	fields := strings.Fields(value)
	if len(fields) == 0 {
		return nil, errors.New(`missing GOSUMDB: want the name or key of a checksum database, or "off"`)
	}
	if len(fields) > 2 {
		return nil, errors.New("invalid GOSUMDB: too many fields (want a name or key, and at most a URL)")
	}
	key := fields[0]
	if key == wellKnownName {
		key = wellKnownKey
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("invalid GOSUMDB: %q is neither %s nor a verifier key (%w)", fields[0], wellKnownName, err)
	}
	db := &Database{Name: verifier.Name(), verifier: verifier}
	if err := checkName(db.Name); err != nil {
		return nil, err
	}
	db.URL = "https://" + db.Name
	if len(fields) == 2 {
		if _, err := url.Parse(fields[1]); err != nil {
			return nil, errors.New("invalid GOSUMDB: its URL cannot be parsed") // err would show its password
		}
		db.URL, db.Fixed = fields[1], true
	}
	return db, nil
}

// checkName holds to the go command: "no funny business in the database name".
// Beyond that, it must be a name that requests can be made for.
func checkName(name string) error {
	u, err := url.Parse("https://" + name)
	if err == nil {
		_, err = upstream.NewSumDBRequest(name, "latest")
	}
	if err != nil || u.Host == "" || strings.HasSuffix(name, "/") || *u != (url.URL{Scheme: "https", Host: u.Host, Path: u.Path}) {
		return fmt.Errorf("invalid checksum database name %q in GOSUMDB (must be host[/path])", name)
	}
	return nil
}
