package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// A keyPair is a certificate and its key in two files that may be replaced
// while the program runs. It looks at them during handshakes, at most once in
// an interval, so that it needs no goroutine, and no handshake waits for the
// look of another.
type keyPair struct {
	certFile, keyFile string
	interval          time.Duration
	log               *slog.Logger

	born   time.Time
	looked atomic.Int64 // when, in nanoseconds since born
	state  atomic.Pointer[keyPairState]
}

type keyPairState struct {
	cert      *tls.Certificate
	certInfo  fs.FileInfo
	keyInfo   fs.FileInfo
	complaint string // what was last logged of newer files
	invalid   string // what was last logged of the time that it is good for
}

// loadKeyPair returns the key pair that the flags name, or nil if they name none.
func (c config) loadKeyPair(log *slog.Logger) (*keyPair, error) {
	if c.tlsCert == "" {
		return nil, nil
	}
	k := &keyPair{certFile: c.tlsCert, keyFile: c.tlsKey, interval: time.Second, log: log, born: time.Now()}
	state, err := k.load(nil)
	if err != nil {
		return nil, fmt.Errorf("loading the certificate: %w: check the files of -tls-cert and -tls-key", err)
	}
	k.state.Store(k.judged(state))
	return k, nil
}

// GetCertificate is for [tls.Config].
func (k *keyPair) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if k.due() {
		k.look()
	}
	return k.state.Load().cert, nil
}

func (k *keyPair) leaf() *x509.Certificate { return k.state.Load().cert.Leaf }

// due reports whether it is time to look at the files, to one caller only.
func (k *keyPair) due() bool {
	last, now := k.looked.Load(), time.Since(k.born)
	return now-time.Duration(last) >= k.interval && k.looked.CompareAndSwap(last, int64(now))
}

// look loads the files if they have changed. While they are no good, which they
// are for a moment if they are replaced one after the other, the old pair is
// used; that is logged once.
func (k *keyPair) look() {
	old := k.state.Load()
	next, err := k.load(old)
	if err == nil {
		k.state.Store(k.judged(next))
		return
	}
	if err.Error() == old.complaint {
		return
	}
	k.log.Error("the new certificate cannot be used; the old one is served on", "error", err)
	next = new(*old)
	next.complaint = err.Error()
	k.state.Store(next)
}

// judged returns the state with what is to be said of the time that its
// certificate is good for, which is logged once: clients refuse it at any other, and
// say so where nobody looks.
func (k *keyPair) judged(s *keyPairState) *keyPairState {
	invalid := outOfTime(s.cert.Leaf, time.Now())
	if invalid == s.invalid {
		return s
	}
	if invalid != "" {
		k.log.Warn("clients will refuse the certificate, which "+invalid+"; it is served all the same until there is a new one", "file", k.certFile)
	}
	s = new(*s)
	s.invalid = invalid
	return s
}

// outOfTime says what is wrong with a certificate now; nothing if it is good.
func outOfTime(leaf *x509.Certificate, now time.Time) string {
	switch {
	case now.After(leaf.NotAfter):
		return "has expired at " + leaf.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(leaf.NotBefore):
		return "is not valid before " + leaf.NotBefore.UTC().Format(time.RFC3339)
	}
	return ""
}

// load returns the state for the files as they are: old itself if they have not
// changed. They are looked at before they are read, so that a change in between
// is seen the next time.
func (k *keyPair) load(old *keyPairState) (*keyPairState, error) {
	certInfo, err := os.Stat(k.certFile)
	if err != nil {
		return nil, err
	}
	keyInfo, err := os.Stat(k.keyFile)
	if err != nil {
		return nil, err
	}
	if old != nil && same(old.certInfo, certInfo) && same(old.keyInfo, keyInfo) {
		return old, nil
	}
	cert, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return nil, err
	}
	return &keyPairState{cert: &cert, certInfo: certInfo, keyInfo: keyInfo}, nil
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
