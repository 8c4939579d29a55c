package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/spf13/cobra"
)

// An assignment is a go setting. An empty value is the go command's default.
type assignment struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (a *app) envCommand() *cobra.Command {
	var private string
	var shell, unset bool
	cmd := a.command("env [flags] URL",
		"Print the go env -w lines that point the go command to a proxy",
		"Prints the lines that point the go command to a module proxy such as examples/proxy:\n\n"+
			"  eval \"$(modget env https://proxy.example)\"\n\n"+
			"Modules that match -private come from the proxy too, and the public checksum database is\n"+
			"not asked about them. GOPRIVATE, GONOPROXY and GONOSUMDB are replaced then: note what they\n"+
			"are (go env), for -unset goes back to the go command's defaults and not to that.",
		arguments{max: 1},
		func(_ context.Context, args []string) error {
			list, err := settingsFor(args, private, unset)
			if err != nil {
				return err
			}
			if a.json {
				return a.print(list, nil)
			}
			return a.print(list, func(w io.Writer) { writeSettings(w, list, shell, unset) })
		})
	cmd.Flags().StringVar(&private, "private", "", "module path `PATTERNS`, as in GOPRIVATE, that the proxy has and the public checksum database has not")
	cmd.Flags().BoolVar(&shell, "shell", false, "print export lines, for this shell alone")
	cmd.Flags().BoolVar(&unset, "unset", false, "print the lines that go back to the go command's defaults")
	return cmd
}

// settingsFor returns what the go command needs to be told. GOPRIVATE is left empty:
// it would lead the go command round the proxy.
func settingsFor(args []string, private string, unset bool) ([]assignment, error) {
	list := []assignment{{Name: "GOPROXY"}}
	if private != "" || unset {
		list = append(list, assignment{"GONOSUMDB", private}, assignment{"GOPRIVATE", ""}, assignment{"GONOPROXY", ""})
	}
	if unset {
		if len(args) > 0 || private != "" {
			return nil, usagef("-unset takes back whatever was set: leave out the URL and -private")
		}
		return list, nil
	}
	if len(args) != 1 {
		return nil, usagef("the proxy's URL is missing, as in %q", "modget env https://proxy.example")
	}
	if err := checkProxy(args[0]); err != nil {
		return nil, err
	}
	if err := upstream.CheckPatterns(private); err != nil {
		return nil, usagef("-private: %w", err)
	}
	list[0].Value = args[0]
	return list, nil
}

func checkProxy(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return usagef("%q is no proxy's URL: it is like https://proxy.example or http://localhost:8080", discreet(text))
	}
	if u.User != nil {
		return usagef("a URL with a password would be readable for everybody who runs \"go env\": put it into a .netrc file")
	}
	return nil
}

func writeSettings(w io.Writer, list []assignment, shell, unset bool) {
	for _, s := range list {
		switch {
		case shell && unset:
			fmt.Fprintf(w, "unset %s\n", s.Name)
		case shell:
			fmt.Fprintf(w, "export %s=%s\n", s.Name, quote(s.Value))
		case unset:
			fmt.Fprintf(w, "go env -u %s\n", s.Name)
		default:
			fmt.Fprintf(w, "go env -w %s=%s\n", s.Name, quote(s.Value))
		}
	}
}

// quote makes text one word of a POSIX shell.
func quote(text string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-,@%+=", r)
	}
	if strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
