package cmd

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/config"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
)

// completionTime is how long a shell waits for names.
const completionTime = 2 * time.Second

// maxCompletions is how many names a shell is given. People narrow down more.
const maxCompletions = 500

// isCompletion reports whether the process's arguments are those of the scripts that
// `totpctl completion` prints.
func isCompletion(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// completeWords has shells complete what c and the commands below it take: stored
// accounts, files where files are meant, and nothing else.
func (p program) completeWords(c *cobra.Command) {
	c.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	if c.ValidArgsFunction == nil {
		c.ValidArgsFunction = p.completeArgument
	}
	for _, flags := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
		flags.VisitAll(func(f *pflag.Flag) {
			if complete := p.flagCompletion(f); complete != nil {
				_ = c.RegisterFlagCompletionFunc(f.Name, complete) // fails for a flag that there is not, and the second time
			}
		})
	}
	for _, sub := range c.Commands() {
		if sub.Name() != "completion" { // cobra's, which completes its shells
			p.completeWords(sub)
		}
	}
}

// flagCompletion returns how the value of a flag is completed, nil for not at all.
func (p program) flagCompletion(f *pflag.Flag) cobra.CompletionFunc {
	meaning, _ := pflag.UnquoteUsage(f)
	switch {
	case f.Name == "account", f.Name == "prefix":
		return p.completeAccount
	case meaning == "file" || strings.HasSuffix(f.Name, "-file"):
		return completeFile
	case meaning == "directory":
		return completeDirectory
	case f.Name == config.Algorithm.Flag:
		return cobra.FixedCompletions([]string{totp.SHA1.String(), totp.SHA256.String(), totp.SHA512.String()}, cobra.ShellCompDirectiveNoFileComp)
	case f.Name == "status":
		return cobra.FixedCompletions(filterNames(), cobra.ShellCompDirectiveNoFileComp)
	}
	return nil
}

// completeArgument completes the next argument by what the usage of the command calls it.
func (p program) completeArgument(c *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch word := argumentWord(c.Use, len(args)); {
	case word == "FILE":
		return completeFile(c, args, begun)
	case c.Name() == "add" || given(c): // add takes a name that there is not yet
		return nil, cobra.ShellCompDirectiveNoFileComp
	case word == "NAME" || word == "ACCOUNT" || word == "OLD":
		names, directive := p.completeAccount(c, args, begun)
		return slices.DeleteFunc(names, func(name string) bool {
			return strings.HasPrefix(name, "-") || slices.Contains(args, name) // -x would be read as a flag
		}), directive
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// given reports whether flags say already whose key is meant.
func given(c *cobra.Command) bool {
	return slices.ContainsFunc([]string{"account", "secret-file"}, c.Flags().Changed)
}

// argumentWord returns what a usage such as "gen [ACCOUNT|-]" or "export [NAME…]" calls its
// argument number i, "" if there is none.
func argumentWord(use string, i int) string {
	words := strings.Fields(use)[1:]
	if last := len(words) - 1; i > last && last >= 0 && strings.ContainsAny(words[last], "….") {
		i = last
	}
	if i >= len(words) {
		return ""
	}
	word, _, _ := strings.Cut(strings.Trim(words[i], "[]…."), "|")
	return word
}

func completeFile(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func completeDirectory(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeAccount returns stored names, and none after completionTime or if there is no
// database. A database that no configuration names is not opened: in a folder of somebody
// else's it may be a trap.
func (p program) completeAccount(c *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), completionTime)
	defer cancel()
	found := make(chan []string, 1)
	go func() { found <- storedNames(ctx, c.Flags(), begun) }() // a folder on a network may hang whatever ctx says
	var names []string
	select {
	case names = <-found:
	case <-ctx.Done():
	}
	return slices.DeleteFunc(names, unprintable), cobra.ShellCompDirectiveNoFileComp
}

// storedNames takes begun as it is, and else as fish passes a word on that is not complete:
// with the quote that begins it and the backslashes in it.
func storedNames(ctx context.Context, flags *pflag.FlagSet, begun string) []string {
	s, err := config.Read(flags)
	if err != nil || s.File() == "" && s.Source(config.DatabaseURL.Info) == "" {
		return nil
	}
	url := s.DatabaseURL()
	if s.Err() != nil {
		return nil
	}
	names, _ := sqlstore.Names(ctx, url, begun, maxCompletions)
	if plain := strings.ReplaceAll(strings.TrimLeft(begun, `"'`), `\`, ""); len(names) == 0 && plain != begun {
		names, _ = sqlstore.Names(ctx, url, plain, maxCompletions)
	}
	return names
}

// unprintable reports whether a name has characters that a terminal would obey.
func unprintable(name string) bool {
	_, err := totp.ParseName(name)
	return err != nil
}

// Cobra's script for bash escapes a completion if it is the only one. If there are more,
// readline inserts what they have in common, and a space in that parts the word in two.
const (
	escapesOne = `        if (( ${#COMPREPLY[@]} == 1 )); then
            COMPREPLY[0]=$(printf "%q" "${COMPREPLY[0]}")
        fi
`
	escapesAll = `        if (( ${#COMPREPLY[@]} > 0 )); then
            IFS=$'\n' read -ra COMPREPLY -d '' < <(printf "%q\n" "${COMPREPLY[@]}")
        fi
`
)

// Cobra's script for fish runs the words before the one that is completed as a command line,
// without the quotes and backslashes that they were typed with. So a completed name such as
// "a; reboot" would be run. A tilde at the beginning still stands for the home folder.
const (
	runsWords   = ` __complete $args[2..-1] $lastArg"`
	quotesWords = ` __complete $quoted $lastArg"`

	splitsWords = "    set -l args (commandline -opc)\n"
	quoteWords  = "    set -l quoted (string escape --no-quoted -- $args[2..-1] | string replace -r '^\\\\\\\\~' '~')\n"
)

// mendScripts has `completion bash` and `completion fish`, commands below root, print cobra's
// scripts with what names need.
func mendScripts(root *cobra.Command) {
	mendScript(root, "bash", root.GenBashCompletionV2, strings.NewReplacer(escapesOne, escapesAll))
	mendScript(root, "fish", root.GenFishCompletion, strings.NewReplacer(splitsWords, splitsWords+quoteWords, runsWords, quotesWords))
}

func mendScript(root *cobra.Command, shell string, generate func(io.Writer, bool) error, mend *strings.Replacer) {
	c, _, err := root.Find([]string{"completion", shell})
	if err != nil {
		return
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		plain, err := c.Flags().GetBool("no-descriptions")
		if err != nil {
			return err
		}
		var script strings.Builder
		if err := generate(&script, !plain); err != nil {
			return err
		}
		_, err = mend.WriteString(c.OutOrStdout(), script.String())
		return err
	}
}
