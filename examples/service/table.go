package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// A table is the service's users by their names. In a service that has a database,
// its methods are queries; that one which cannot be asked for now is an
// *upstream.Error of class Unavailable, so that nobody is told to be a stranger.
type table map[string]struct {
	Token   string `json:"token"`   // SHA-256 in hexadecimal; tokens are random, so a copied table opens nothing
	Private bool   `json:"private"` // whether private modules are among what the user may have
}

func readTable(file string) (table, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var users table
	if err := json.Unmarshal(data, &users); err != nil {
		return nil, fmt.Errorf("%s: %w: write it as go doc ./examples/service shows", file, err)
	}
	for name, user := range users {
		if digest, err := hex.DecodeString(user.Token); err != nil || len(digest) != sha256.Size || name == "" {
			return nil, fmt.Errorf("%s: user %q: it takes a name, and as the token its SHA-256 in hexadecimal", file, name)
		}
	}
	return users, nil
}

// signIn returns the name of the user whose token it is. The time it takes tells
// only how much of a digest is right, of which nobody can make a token.
func (t table) signIn(_ context.Context, name, token string) (string, error) {
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(token)))
	if user, ok := t[name]; !ok || !strings.EqualFold(user.Token, digest) {
		return "", errors.New("no such user, or another token: look into your netrc file")
	}
	return name, nil
}

func (t table) mayHavePrivate(name string) bool { return t[name].Private }
