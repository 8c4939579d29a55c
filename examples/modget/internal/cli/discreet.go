package cli

import (
	"errors"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
)

// discreet returns an argument for a message. What is no URL can hold a password all
// the same, and messages end up in logs: all before the last @ is left out, but for a
// scheme, and all from the ? on.
func discreet(arg string) string {
	if at := strings.LastIndexByte(arg, '@'); at >= 0 {
		scheme, _, ok := strings.Cut(arg[:at], "://")
		arg = "..." + arg[at:]
		if ok {
			arg = scheme + "://" + arg
		}
	}
	if end := strings.IndexAny(arg, "?#"); end >= 0 {
		arg = arg[:end] + "..."
	}
	return arg
}

// withoutUsers takes user names and passwords out of the URLs in a text. That is
// what other messages repeat of an argument.
func withoutUsers(text string) string { return userInfo.ReplaceAllString(text, "://...@") }

var userInfo = regexp.MustCompile(`://[^/\s"]*@`)

// checkModule is [module.CheckPath], but does not repeat a URL: where it was cut at an
// @, what is left ends with a password.
func checkModule(path string) error {
	if strings.Contains(path, "://") {
		return errURL
	}
	return module.CheckPath(path)
}

var errURL = errors.New("a URL is no module: write the module's path, such as example.com/mod")
