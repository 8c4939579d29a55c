package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// pairFiles are the files of a certificate and its key.
type pairFiles struct{ cert, key string }

// newPairFiles returns the files of a new self-signed certificate.
func newPairFiles(t *testing.T, name string) pairFiles {
	t.Helper()
	dir := t.TempDir()
	f := pairFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	f.replace(t, name)
	return f
}

// replace puts a new certificate and key, which name is in, in place of the old.
func (f pairFiles) replace(t *testing.T, name string) {
	t.Helper()
	cert, key := selfSigned(t, name)
	swap(t, f.key, key)
	swap(t, f.cert, cert)
}

// swap replaces a file in one step, as tools that renew certificates do.
func swap(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func selfSigned(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	return selfSignedFor(t, name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// selfSignedFor returns one that is good at certain times.
func selfSignedFor(t *testing.T, name string, from, until time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name, "localhost"},
		NotBefore:    from,
		NotAfter:     until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	return cert, key
}

// eagerPair loads files and looks at them at every handshake.
func eagerPair(t *testing.T, files pairFiles, log *bytes.Buffer) *keyPair {
	t.Helper()
	cfg := config{tlsCert: files.cert, tlsKey: files.key}
	pair, err := cfg.loadKeyPair(slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	pair.interval = 0
	return pair
}

// certified returns the name in the certificate that a handshake would get.
func certified(t *testing.T, pair *keyPair) string {
	t.Helper()
	cert, err := pair.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.Subject.CommonName
}

func TestKeyPairIsReloaded(t *testing.T) {
	var log bytes.Buffer
	files := newPairFiles(t, "first.example")
	pair := eagerPair(t, files, &log)
	if got := certified(t, pair); got != "first.example" {
		t.Errorf("at first: %s", got)
	}
	files.replace(t, "second.example")
	if got := certified(t, pair); got != "second.example" {
		t.Errorf("after a change: %s", got)
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", &log)
	}
}

func TestKeyPairIsKeptWhileNewFilesAreBroken(t *testing.T) {
	for name, breakIt := range map[string]func(t *testing.T, files pairFiles){
		"not PEM": func(t *testing.T, files pairFiles) { swap(t, files.cert, []byte("nonsense")) },
		"gone":    func(t *testing.T, files pairFiles) { os.Remove(files.key) },
		"half replaced": func(t *testing.T, files pairFiles) {
			cert, _ := selfSigned(t, "half.example")
			swap(t, files.cert, cert)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			files := newPairFiles(t, "first.example")
			pair := eagerPair(t, files, &log)
			breakIt(t, files)
			for range 3 {
				if got := certified(t, pair); got != "first.example" {
					t.Errorf("with broken files: %s", got)
				}
			}
			if got := strings.Count(log.String(), "cannot be used"); got != 1 {
				t.Errorf("logged %d times\n%s", got, &log)
			}
			files.replace(t, "second.example")
			if got := certified(t, pair); got != "second.example" {
				t.Errorf("when they are good again: %s", got)
			}
		})
	}
}

// A certificate that clients refuse is told of when it is loaded, and when its time
// comes.
func TestKeyPairOutOfItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		files := newPairFiles(t, "first.example") // for an hour
		replace := func(name string, from, until time.Duration) {
			cert, key := selfSignedFor(t, name, time.Now().Add(from), time.Now().Add(until))
			swap(t, files.key, key)
			swap(t, files.cert, cert)
		}
		var pair *keyPair
		for _, step := range []struct {
			name   string
			change func()
			want   string // in the one line; no line if empty
		}{
			{"good", func() { pair = eagerPair(t, files, &log) }, ""},
			{"expires", func() { time.Sleep(61 * time.Minute) }, "has expired at 2000-01-01T01:00:00Z"},
			{"a new one", func() { replace("second.example", -time.Hour, time.Hour) }, ""},
			{"an old one", func() { replace("third.example", -2*time.Hour, -time.Hour) }, "has expired at 2000-01-01T00:01:00Z"},
			{"loaded as it is, before a handshake", func() { pair = eagerPair(t, files, &log); pair.interval = time.Hour }, "has expired at 2000-01-01T00:01:00Z"},
			{"one of tomorrow", func() { pair.interval = 0; replace("fourth.example", 24*time.Hour, 48*time.Hour) }, "is not valid before 2000-01-02T01:01:00Z"},
			{"tomorrow", func() { time.Sleep(24 * time.Hour) }, ""},
		} {
			log.Reset()
			step.change()
			for range 3 {
				certified(t, pair)
			}
			if got := log.String(); strings.Count(got, "\n") != min(len(step.want), 1) || !strings.Contains(got, step.want) {
				t.Errorf("%s: logged, want %q:\n%s", step.name, step.want, got)
			}
		}
	})
}

func TestKeyPairIsNotLookedAtAllTheTime(t *testing.T) {
	files := newPairFiles(t, "first.example")
	pair := eagerPair(t, files, new(bytes.Buffer))
	pair.interval = time.Hour
	files.replace(t, "second.example")
	if got := certified(t, pair); got != "first.example" {
		t.Errorf("within the interval: %s", got)
	}
}

func TestServesTLS(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	files := newPairFiles(t, "first.example")
	p := start(t, "-tls-cert", files.cert, "-tls-key", files.key)
	if !strings.HasPrefix(p.url, "https://localhost:") {
		t.Fatalf("serving %s", p.url)
	}
	p.output.After(t, "breakwater: where the certificate is not trusted: export SSL_CERT_FILE="+files.cert)
	goCommand := fixture.NewGoCommand(t, p.output.After(t, "export GOPROXY="), "SSL_CERT_FILE="+files.cert)
	goCommand.Run(t, "mod", "download", "example.com/dep@v0.1.0")

	files.replace(t, "second.example")
	wantCertificate(t, p.url, "second.example")
}

// wantCertificate makes connections until one gets the certificate with that
// name, which may take as long as the program's interval.
func wantCertificate(t *testing.T, url, name string) {
	t.Helper()
	late := time.After(fixture.Patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
		resp, _ := fixture.Get(t, &http.Client{Transport: transport}, url+"/healthz")
		got := resp.TLS.PeerCertificates[0].Subject.CommonName
		if got == name {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("the certificate is still %s", got)
		}
	}
}
