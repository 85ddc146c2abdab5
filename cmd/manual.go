package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
	"totpctl/cmd/manual"
	"totpctl/cmd/pam"
)

func (p program) manualCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "manual [TOPIC]",
		Short: "Show the manual, or list its topics",
		Long: `Lists the topics of the manual or, with a topic, prints its page as Markdown. Any
word is good for finding one: if no topic has that name, the hint tells which
pages have the word.

With --man it writes man pages below a folder such as /usr/local/share/man:
totpctl(1), one of section 1 for each command, and one of section 7 for each
topic. Their date is today's, or that of SOURCE_DATE_EPOCH.`,
		Example: `  totpctl manual
  totpctl manual backup | less
  totpctl manual --man /usr/local/share/man`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeTopic,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case c.Flags().Changed("man"):
				return p.writeManPages(dir, args)
			case len(args) == 0:
				return p.listTopics()
			}
			return p.showTopic(args[0])
		},
	}
	c.Flags().StringVar(&dir, "man", "", "write man pages below this `directory`, in man1 and man7")
	return c
}

func (p program) listTopics() error {
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TOPIC\tWHAT IT TELLS")
	for _, topic := range manual.Topics() {
		fmt.Fprintf(t, "%s\t%s\n", topic.Name, topic.Sentence)
	}
	return t.Flush()
}

// showTopic prints a page, or a file that the pages name: a unit of systemd, or the module
// for PAM.
func (p program) showTopic(name string) error {
	if unit, ok := manual.Unit(name); ok {
		_, err := p.out.Write(unit)
		return err
	}
	if name == pam.FileName {
		_, err := io.WriteString(p.out, pam.Source)
		return err
	}
	topic, ok := manual.Find(strings.TrimSuffix(name, ".md")) // as the pages' links spell it
	if !ok {
		err := fmt.Errorf("reading the manual: no topic %q", name)
		if near := nearTopics(name); len(near) > 0 {
			return hint.With(err, "try `totpctl manual %s`", strings.Join(near, "`, `totpctl manual "))
		}
		return hint.With(err, "`totpctl manual` lists the topics")
	}
	_, err := io.WriteString(p.out, topic.Text)
	return err
}

// maxNear is how many topics a hint names.
const maxNear = 3

// nearTopics returns topics that are spelt like the word, then those whose pages have it.
func nearTopics(word string) []string {
	spelt := &cobra.Command{SuggestionsMinimumDistance: 2} // cobra's own for commands
	for _, topic := range manual.Topics() {
		spelt.AddCommand(&cobra.Command{Use: topic.Name, Run: func(*cobra.Command, []string) {}})
	}
	near := spelt.SuggestionsFor(word)
	for _, name := range manual.Mentioning(word) {
		if !slices.Contains(near, name) {
			near = append(near, name)
		}
	}
	return near[:min(len(near), maxNear)]
}

// completeTopic offers each topic with what it tells.
func completeTopic(_ *cobra.Command, args []string, begun string) (offered []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, topic := range manual.Topics() {
		if len(args) == 0 && strings.HasPrefix(topic.Name, begun) {
			offered = append(offered, cobra.CompletionWithDesc(topic.Name, topic.Sentence))
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}
