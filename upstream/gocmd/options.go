package gocmd

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// Options tunes a [Source]. A nil *Options and zero fields mean the defaults
// given at each field.
type Options struct {
	// Name is shown in errors and statistics. Default: "direct".
	Name string

	// Go is the go command, as a name that is looked up in PATH or as a path.
	// Default: "go".
	Go string

	// Dir is where the directory for scratch files is made. It must exist, on a
	// disk with room for the repositories that are cloned. Default: os.TempDir.
	Dir string

	// Concurrency is how many go commands run at once, at most half of them (but
	// at least one) for modules of one host, and one for one module; others wait
	// for their turn. Default: 4.
	Concurrency int

	// Timeout bounds one request, without the wait for its turn. Default: 5 min.
	Timeout time.Duration

	// MaxTransfer bounds what one request may receive over https, in bytes: a
	// repository's history is transferred before anything of it is known, and
	// takes as much room on the disk. Negative: no bound. Default: 4 GiB.
	MaxTransfer int64

	// VCS is which modules may be fetched with git, in the form of GOVCS: those
	// for which it says "git" or "all", and those that it says nothing about. Only
	// git can be guarded as this package promises. Other version control systems
	// may be named in it, since they are in many users' settings, but are never
	// used. Default: "*:git".
	VCS string

	// Private holds patterns in the form of GOPRIVATE: the modules that "private"
	// in VCS means, and the only ones that are fetched with credentials: Netrc,
	// Credentials, GitConfig, SSHAuthSock, and by ssh at all. All others are fetched
	// as by somebody who has none, for where they lead to is up to strangers.
	// "*": all modules. Default: none.
	Private string

	// Insecure holds patterns in the form of GOINSECURE: for the modules that
	// match, certificates of go-import pages are not verified, and plain http
	// is used where https fails. Default: none.
	Insecure string

	// Netrc is the file with the credentials for git over https, go-import pages
	// and module proxies, for modules of Private. Default: $NETRC, or else .netrc in
	// the user's home. os.DevNull: none.
	Netrc string

	// Credentials are what go-import pages, and module proxies that such pages
	// named, are asked with for modules of Private, over https and not where a
	// redirect leads to another host. It is the place for what the go command has
	// in GOAUTH; package [github.com/breakwater-go/breakwater/upstream/auth] makes
	// them of that. git does not use them. Default: those in Netrc.
	Credentials upstream.Credentials

	// GitConfig is git's configuration file for modules of Private, as
	// GIT_CONFIG_GLOBAL: the place for credential helpers and url.insteadOf, which
	// may hold credentials, too; authorities to trust belong in RootCAs, for all
	// modules. git runs with a HOME of its own, so that "~" in it means an empty
	// directory. A proxy that is set in it for a single host or remote would lead
	// git past the guard. Default: $GIT_CONFIG_GLOBAL, or else the file in the
	// user's home. os.DevNull: none. The system's configuration file is not read.
	GitConfig string

	// SSHAuthSock is the socket of the ssh agent, for modules of Private. Default:
	// $SSH_AUTH_SOCK.
	SSHAuthSock string

	// GitSSHCommand is the command that git makes ssh connections with, for
	// SSHHosts. Default: $GIT_SSH_COMMAND, or else ssh, never asking anything
	// and sharing no connection.
	GitSSHCommand string

	// RootCAs is a PEM file with the certificate authorities to trust, in place
	// of the system's. Default: the system's.
	RootCAs string

	// Hosts lists, as "host" or "host:port", the hosts that may be reached
	// although their addresses are private or loopback ones, their names have no
	// dot or are IP addresses, or the port is not that of https. Modules of Private
	// may lead to all of them, and any other only to its own host, that which its
	// path begins with. A module path that begins with a loopback address is refused
	// all the same. Default: none.
	Hosts []string

	// SSHHosts lists the hosts that git may reach by ssh, for modules of Private.
	// ssh is not checked for where a name leads to. It needs a POSIX shell.
	// Default: none, no ssh.
	SSHHosts []string

	// Resolve finds the addresses of a host. Its error should be a
	// [*net.DNSError] where the host does not exist. Default: the system's.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)

	// Dial connects to an address, an IP address and port that was checked. It
	// is the place for a way through a proxy of one's own: HTTPS_PROXY is not
	// honoured. Default: a [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// ErrNoCommand is what the error of [New] wraps where a command is missing that
// the source cannot do without: go, or git.
var ErrNoCommand = errors.New("command not found")

// settings are Options that were checked and completed.
type settings struct {
	Options
	git   string // path of git
	vcs   vcsRules
	roots *x509.CertPool // nil: the system's
}

func (o *Options) settings() (*settings, error) {
	s := new(settings)
	if o != nil {
		s.Options = *o
	}
	s.Name = cmp.Or(s.Name, "direct")
	s.Dir = cmp.Or(s.Dir, os.TempDir())
	s.VCS = cmp.Or(strings.TrimSpace(s.VCS), "*:git")
	s.MaxTransfer = cmp.Or(s.MaxTransfer, 4<<30)
	if s.Concurrency <= 0 {
		s.Concurrency = 4
	}
	if s.Timeout <= 0 {
		s.Timeout = 5 * time.Minute
	}
	s.userDefaults()
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("gocmd: %w", err)
	}
	return s, nil
}

// userDefaults fills in where the user keeps credentials. Without a home
// directory there are none.
func (s *settings) userDefaults() {
	s.Netrc = cmp.Or(s.Netrc, os.Getenv("NETRC"), inHome(netrcName()), os.DevNull)
	s.GitConfig = cmp.Or(s.GitConfig, os.Getenv("GIT_CONFIG_GLOBAL"), inHome(".gitconfig"),
		inHome(filepath.Join(".config", "git", "config")), os.DevNull)
	s.SSHAuthSock = cmp.Or(s.SSHAuthSock, os.Getenv("SSH_AUTH_SOCK"))
	s.GitSSHCommand = cmp.Or(s.GitSSHCommand, os.Getenv("GIT_SSH_COMMAND"),
		"ssh -o BatchMode=yes -o ControlMaster=no -o ControlPath=none")
}

// netrcName is what git's HTTP library calls the file on this system.
func netrcName() string {
	if runtime.GOOS == "windows" {
		return "_netrc"
	}
	return ".netrc"
}

// inHome returns the path of a file in the user's home, or "" if it is not there.
func inHome(name string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	path := filepath.Join(home, name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func (s *settings) check() error {
	var err error
	if s.Go, err = findCommand(cmp.Or(s.Go, "go"), "install Go or set "+option("Go")); err != nil {
		return err
	}
	if s.git, err = findCommand("git", "install git and have it in PATH"); err != nil {
		return err
	}
	if s.vcs, err = parseVCS(s.VCS); err != nil {
		return err
	}
	if err := upstream.CheckPatterns(s.Private); err != nil {
		return fmt.Errorf("Private: %w", err)
	}
	if err := upstream.CheckPatterns(s.Insecure); err != nil {
		return fmt.Errorf("Insecure: %w", err)
	}
	if err := s.checkPaths(); err != nil {
		return err
	}
	return s.checkHosts()
}

// checkPaths makes every path absolute, for the commands run elsewhere, and
// reads what is read once.
func (s *settings) checkPaths() error {
	for _, path := range []*string{&s.Dir, &s.Netrc, &s.GitConfig} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	if dir, err := filepath.EvalSymlinks(s.Dir); err == nil {
		s.Dir = dir // GIT_CEILING_DIRECTORIES goes by real names
	}
	info, err := os.Stat(s.Dir)
	if err != nil {
		return fmt.Errorf("Dir: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("Dir: %s is not a directory", s.Dir)
	}
	if s.RootCAs == "" {
		return nil
	}
	if s.RootCAs, err = filepath.Abs(s.RootCAs); err != nil {
		return err
	}
	pem, err := os.ReadFile(s.RootCAs)
	if err != nil {
		return fmt.Errorf("RootCAs: %w", err)
	}
	s.roots = x509.NewCertPool()
	if !s.roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("RootCAs: %s holds no certificate in PEM form", s.RootCAs)
	}
	return nil
}

func (s *settings) checkHosts() error {
	for _, host := range s.Hosts {
		name, port, err := net.SplitHostPort(host)
		if err != nil {
			name, port = strings.Trim(host, "[]"), ""
		}
		if _, err := netip.ParseAddr(name); err != nil && !isHostName(name) || strings.Trim(port, "0123456789") != "" {
			return fmt.Errorf("Hosts: %q is neither host nor host:port", host)
		}
	}
	if len(s.SSHHosts) > 0 && runtime.GOOS == "windows" {
		return errors.New("SSHHosts: not supported on Windows")
	}
	for _, host := range s.SSHHosts {
		if !isHostName(host) {
			return fmt.Errorf("SSHHosts: %q is not a host name", host)
		}
	}
	return nil
}

// isHostName accepts letters, digits, dots and inner hyphens; nothing in it
// means anything to a shell.
func isHostName(s string) bool {
	ok := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_'
	}
	return s != "" && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool { return !ok(r) })
}

func findCommand(name, remedy string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %q: fetching directly from version control needs it: %s", ErrNoCommand, name, remedy)
	}
	return path, nil
}
