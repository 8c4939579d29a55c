package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// goStyle lets flags be written with one dash, as the go command's are: -json for
// --json. A group of the one-letter flags, such as -qv, or one with its value, such as
// -j4, stays what it is.
func goStyle(root *cobra.Command, args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		if arg == "--" {
			copy(out[i:], args[i:])
			break
		}
		out[i] = arg
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && len(name) > 1 && name[0] != '-' && !isDigit(name[0]) && !isShort(root, name) {
			out[i] = "-" + arg
		}
	}
	return out
}

// isShort reports whether a word behind one dash is made of one-letter flags.
func isShort(root *cobra.Command, word string) bool {
	for i, letter := range word {
		flag := root.PersistentFlags().ShorthandLookup(string(letter))
		switch {
		case i > 0 && isDigit(byte(letter)): // the value of the one before
		case flag == nil:
			return false
		}
	}
	return true
}

// isDigit reports whether what begins so is a number, such as a flag's value: no flag is.
func isDigit(letter byte) bool { return '0' <= letter && letter <= '9' }
