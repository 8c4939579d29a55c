package cli

import (
	"context"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/spf13/cobra"
)

// completeModule completes MODULE@ with the versions that the cache knows of. Nobody
// is asked, for a shell waits for it; files are completed where there is no @.
func (a *app) completeModule(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	path, begin, ok := strings.Cut(word, "@")
	if !ok {
		return nil, cobra.ShellCompDirectiveDefault
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
	defer cancel()
	a.offline = true
	var words []string
	a.with(ctx, nil, func(s *session) error { // without an answer there are no words
		lines, err := upstream.ReadList(ctx, s, path)
		for _, line := range lines {
			if strings.HasPrefix(line.Version, begin) {
				words = append(words, path+"@"+line.Version)
			}
		}
		return err
	})
	return words, cobra.ShellCompDirectiveNoFileComp
}
