package manual

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const commandSection = 1

// commandPages returns the pages of c and of each command below it.
func commandPages(c *cobra.Command, h Header) []ManPage {
	all := []ManPage{{commandPage(c), commandSection, commandMan(c, h)}}
	for _, sub := range shownBelow(c) {
		all = append(all, commandPages(sub, h)...)
	}
	return all
}

// shownBelow returns the commands that the help of c lists, but for help.
func shownBelow(c *cobra.Command) (all []*cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			all = append(all, sub)
		}
	}
	return all
}

// commandPage returns the name of a command's man page.
func commandPage(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// commandMan returns a command as a man page of section 1. It says what --help says. Cobra's
// own package for that, cobra/doc, brings parsers of Markdown and YAML that every start of the
// program would set up, for half a millisecond.
func commandMan(c *cobra.Command, h Header) string {
	r := newRoff(commandPage(c), commandSection, h)
	r.heading("NAME")
	r.line(escape(commandPage(c)) + ` \- ` + escape(lowerFirst(c.Short)))
	r.heading("SYNOPSIS")
	r.line(bold(escape(synopsis(c))))
	r.heading("DESCRIPTION")
	r.plain(description(c))
	r.commands(c)
	r.flags("OPTIONS", c.NonInheritedFlags())
	r.flags("GLOBAL OPTIONS", c.InheritedFlags())
	if c.HasExample() {
		r.heading("EXAMPLES")
		r.example(c.Example)
	}
	r.seeAlso(c)
	return r.String()
}

func synopsis(c *cobra.Command) string {
	if c.HasAvailableSubCommands() {
		return c.CommandPath() + " COMMAND [flags]"
	}
	return c.UseLine()
}

func description(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

// plain writes a help text, whose indented lines are kept as they are.
func (r *roff) plain(text string) {
	var block []string
	kept := false
	flush := func() {
		switch {
		case len(block) == 0:
		case kept:
			r.example(strings.Join(block, "\n"))
		default:
			r.paragraph()
			r.line(escape(strings.TrimPrefix(joined(block), "#### "))) // in cobra's own
		}
		block = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		if line == "" || indented != kept {
			flush()
		}
		if kept = indented; line != "" {
			block = append(block, line)
		}
	}
	flush()
}

func (r *roff) commands(c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	r.heading("COMMANDS")
	for _, sub := range shownBelow(c) {
		r.tagged(reference(commandPage(sub), commandSection), escape(sub.Short))
	}
}

func (r *roff) flags(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	r.heading(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		term := bold(escape("--" + f.Name))
		if f.Shorthand != "" {
			term = bold(escape("-"+f.Shorthand)) + ", " + term
		}
		if value != "" {
			term += ` \fI` + escape(value) + `\fR`
		}
		if value != "" && f.DefValue != "" && !strings.Contains(usage, "default") {
			usage += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		r.tagged(term, breakable(escape(usage)))
	})
}

// seeAlso names the command above and the topics that have the command; for the program
// itself, every topic and what it tells.
func (r *roff) seeAlso(c *cobra.Command) {
	if !c.HasParent() {
		r.heading("TOPICS")
		for _, t := range Topics() {
			r.tagged(reference(topicPage(t.Name), topicSection), inline(t.Sentence))
		}
		return
	}
	all := []string{reference(commandPage(c.Parent()), commandSection)}
	for _, t := range Topics() {
		if strings.Contains(t.Text, c.CommandPath()) {
			all = append(all, reference(topicPage(t.Name), topicSection))
		}
	}
	r.heading("SEE ALSO")
	r.line(strings.Join(all, ", "))
}

// breakable has lines end behind any comma, as the default of --cors-origins is longer than a
// line.
func breakable(text string) string {
	return strings.ReplaceAll(text, ",", `,\:`)
}
