package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// A table is the service's users by their names. In a service that has a database,
// its methods are queries; that one which cannot be asked for now is an
// *upstream.Error of class Unavailable, so that nobody is told to be a stranger.
type table map[string]user

type user struct {
	Name    string `json:"name"`
	Token   string `json:"token"`   // SHA-256 in hexadecimal; tokens are random, so a copied table opens nothing
	Private bool   `json:"private"` // whether private modules are among what the user may have
}

func readTable(file string) (table, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var users []user
	if err := json.Unmarshal(data, &users); err != nil {
		return nil, fmt.Errorf("%s: %w: write it as go doc ./examples/service shows", file, err)
	}
	t := table{}
	for _, u := range users {
		digest, err := hex.DecodeString(u.Token)
		if err != nil || len(digest) != sha256.Size || u.Name == "" {
			return nil, fmt.Errorf("%s: user %q: it takes a name, and as the token its SHA-256 in hexadecimal", file, u.Name)
		}
		if _, twice := t[u.Name]; twice {
			return nil, fmt.Errorf("%s: user %q is there twice", file, u.Name)
		}
		u.Token = hex.EncodeToString(digest) // in lower case
		t[u.Name] = u
	}
	return t, nil
}

// signIn returns the name of the user whose token it is. The time it takes tells
// only how much of a digest is right, of which nobody can make a token.
func (t table) signIn(_ context.Context, name, token string) (string, error) {
	digest := sha256.Sum256([]byte(token))
	if u, ok := t[name]; !ok || u.Token != hex.EncodeToString(digest[:]) {
		return "", errors.New("no such user, or another token: look into your netrc file")
	}
	return name, nil
}

func (t table) mayHavePrivate(name string) bool { return t[name].Private }
