// Package cli is modget's command line: its commands, flags, messages and exit
// codes.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/download"
	"github.com/spf13/cobra"
)

// Streams are the standard streams of the program.
type Streams struct {
	In  io.Reader
	Out *os.File // results
	Err *os.File // bars, messages
}

// Run is the whole program with these arguments, and returns the exit code. When ctx
// ends it stops soon, and keeps what it has.
func Run(ctx context.Context, args []string, streams Streams) int {
	a := &app{Streams: streams}
	root := a.root()
	root.SetArgs(goStyle(root, args))
	err := root.ExecuteContext(ctx)
	code := exitCode(ctx, err)
	a.tell(err, code)
	return code
}

// app is what the global flags say.
type app struct {
	Streams

	cache    string
	goproxy  string
	offline  bool
	json     bool
	quiet    bool
	verbose  bool
	progress string
	jobs     int
	timeout  time.Duration
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "modget",
		Short: "Gets Go modules through bad weather",
		Long: `Gets Go modules through bad weather: dead, slow and lying sources, broken
connections, no network. Sources, private modules and the checksum database are
those of your go settings (go env).

Exit codes: 0 done; 1 something on this machine failed; 2 wrong usage; 3 not found;
4 the sources could not be asked; 5 denied; 6 not what a checksum says; 130 interrupted.`,
		Args:          cobra.ArbitraryArgs, // runs too for a command that there is not
		RunE:          a.unknown,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetVersionTemplate("modget {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w: see %q", err, cmd.CommandPath()+" -help")
	})
	a.globalFlags(root)
	root.AddCommand(a.downloadCommand(), a.warmCommand(), a.listCommand(), a.queryCommand(), a.verifyCommand(),
		a.bundleCommand(), a.mirrorsCommand(), a.doctorCommand(), a.envCommand())
	a.builtin(root)
	return root
}

func (a *app) globalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&a.cache, "cache", "", "cache `DIR` (default: breakwater in the user's cache directory)")
	flags.StringVar(&a.goproxy, "goproxy", "", "sources in place of go env GOPROXY, as a `LIST` of the same form")
	flags.BoolVar(&a.offline, "offline", false, "use what the cache holds and ask nobody")
	flags.BoolVar(&a.json, "json", false, "print results as JSON, one object on a line where there are several")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but failures and what was asked for")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "print what happens to the sources, too")
	flags.StringVar(&a.progress, "progress", "auto", "how downloads are shown: auto, bars or plain")
	root.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions([]string{"auto", "bars", "plain"}, cobra.ShellCompDirectiveNoFileComp))
	flags.IntVarP(&a.jobs, "jobs", "j", download.DefaultJobs, "how many modules are fetched at once")
	flags.DurationVar(&a.timeout, "timeout", 0, "give up after this time, such as 10m (default: never)")
}

// unknown runs where no command is named, or one that there is not.
func (a *app) unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := fmt.Sprintf("%q lists them", cmd.CommandPath()+" help")
	if _, rest, _ := cmd.Find(args); len(rest) < len(args) { // which only a -- before it hides
		hint = "leave out the -- before it"
	} else if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return usagef("there is no command %q: %s", args[0], hint)
}

// command returns a cobra command that runs with the bound that -timeout sets, after
// the global flags have been checked.
func (a *app) command(use, short, long string, args arguments, run func(ctx context.Context, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long,
		DisableFlagsInUseLine: true,
		Args:                  args.check,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.check(); err != nil {
				return err
			}
			ctx, cancel := a.bounded(cmd.Context())
			defer cancel()
			return run(ctx, args)
		},
	}
}

func (a *app) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, a.timeout, errTimeout)
}

func (a *app) check() error {
	switch {
	case a.progress != "auto" && a.progress != "bars" && a.progress != "plain":
		return usagef("-progress is auto, bars or plain, not %q", a.progress)
	case a.jobs < 1 || a.jobs > maxJobs:
		return usagef("-jobs is a number from 1 to %d, not %d", maxJobs, a.jobs)
	case a.timeout < 0:
		return usagef("-timeout is a time from now, such as 10m, not %v", a.timeout)
	case a.json && a.quiet:
		return usagef("-json and -quiet exclude each other: give one of them")
	}
	return nil
}

// maxJobs is more than any source lets one have at once.
const maxJobs = 256
