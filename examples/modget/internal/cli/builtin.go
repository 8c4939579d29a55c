package cli

import "github.com/spf13/cobra"

// builtin makes cobra's own commands, help and completion, refuse mistakes as the
// others do: by themselves they show help, as if all were well.
func (a *app) builtin(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = a.helpTopic
		case "completion":
			cmd.Args = cobra.ArbitraryArgs
			cmd.RunE = shell
			for _, each := range cmd.Commands() {
				each.Args = arguments{}.check
			}
		}
	}
}

// helpTopic is a [cobra.PositionalArgs]: they must name a command.
func (a *app) helpTopic(cmd *cobra.Command, args []string) error {
	topic, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) == 0 {
		return nil
	}
	if topic == nil || topic == cmd.Root() || len(rest) == 0 {
		return a.unknown(cmd.Root(), args)
	}
	return usagef("there is no command %q: see %q", topic.CommandPath()+" "+rest[0], topic.CommandPath()+" -help")
}

// shell runs where completion is asked for without a shell, or with an unknown one.
func shell(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return usagef("there is no completion for %q: it is bash, zsh, fish or powershell", args[0])
}
