package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// Options tunes [New]. A nil *Options and zero fields mean the defaults.
type Options struct {
	// Netrc is the file that "netrc" reads. Default: the user's; see [Netrc].
	Netrc string

	// Env is the environment of commands, as in [exec.Cmd]. Default: that of this
	// process.
	Env []string

	// Timeout bounds one run of a command; it is killed then, together with what
	// it has started where the system allows. Default: 10 s; negative: no bound
	// but that of the request.
	Timeout time.Duration

	// Stderr gets what commands print there; several may do so at once. Errors do
	// not repeat it, because it may be secret. Default: it is dropped.
	Stderr io.Writer
}

// New returns the credentials that a GOAUTH value asks for: "off", or a list,
// separated by ";", of
//
//   - "netrc", see [Netrc];
//   - "git" and the absolute path of a directory, where "git credential fill" is
//     run after a refusal;
//   - a command with its arguments, which is run once, and again with the URL and
//     the response after a refusal ("go help goauth"), about one host not often
//     in vain. That it fails at first is no error; that it fails after 401 or 403
//     is one. After 404 its exit status only means that it has no credentials; but
//     if it is killed, too slow or not understood, the 404 is no answer.
//
// Of credentials for the same prefix the earlier in the list count. Empty means
// "netrc", as for the go command. What commands gave stays in memory until they
// give something else, or are not asked any more because the program ends.
//
// Errors are those of the value: an empty command, "off" beside others, a
// directory or program that is not there.
func New(goauth string, opts *Options) (upstream.Credentials, error) {
	o := &Options{}
	if opts != nil {
		*o = *opts
		o.Env = slices.Clone(opts.Env)
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if goauth == "" {
		goauth = "netrc"
	}
	commands := strings.Split(goauth, ";")
	var methods []method
	for i, command := range commands {
		m, err := o.method(command)
		if errors.Is(err, errOff) && len(commands) == 1 {
			return none{}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("GOAUTH, command %d of %d: %w", i+1, len(commands), err)
		}
		methods = append(methods, m)
	}
	return newList(methods), nil
}

var errOff = errors.New("off cannot be combined with other commands")

func (o *Options) method(text string) (method, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, errors.New("it is empty")
	}
	switch words[0] {
	case "off":
		return nil, errOff
	case "netrc":
		return &netrcFile{name: o.Netrc, turn: newTurn()}, nil
	case "git":
		return o.newGit(words[1:])
	}
	words, err := splitQuoted(text)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return nil, err
	}
	return &command{words: words, opts: o, turn: newTurn()}, nil
}

func (o *Options) newGit(args []string) (method, error) {
	if len(args) != 1 || !filepath.IsAbs(args[0]) {
		return nil, errors.New("git requires the absolute path of a directory")
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", args[0])
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, err
	}
	return &git{dir: args[0], opts: o}, nil
}

// none is "off".
type none struct{}

func (none) Header(context.Context, *url.URL) (http.Header, error) { return nil, nil }
