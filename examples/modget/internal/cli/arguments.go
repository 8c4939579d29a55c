package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// arguments says how many arguments a command takes.
type arguments struct {
	min, max int
	what     string // that is missing where there are too few
}

// some is for commands that take any number of arguments from min on.
func some(min int, what string) arguments { return arguments{min: min, max: -1, what: what} }

// check is a [cobra.PositionalArgs].
func (n arguments) check(cmd *cobra.Command, args []string) error {
	see := fmt.Sprintf("see %q", cmd.CommandPath()+" -help")
	switch {
	case len(args) < n.min:
		return usagef("%s is missing: %s", n.what, see)
	case n.max >= 0 && len(args) > n.max:
		return usagef("%q is an argument too many: %s", discreet(args[n.max]), see)
	}
	return nil
}
