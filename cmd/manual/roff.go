package manual

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// A Header is what each man page tells of the program.
type Header struct {
	Version string    // of the program
	Date    time.Time // of the pages
}

// A ManPage is a page for man(1), in the macros of man(7).
type ManPage struct {
	Name    string // such as totpctl-account-add
	Section int
	Text    string
}

// ManPages returns a page of section 1 for c and for each command below it, and one of section
// 7 for each topic.
func ManPages(c *cobra.Command, h Header) []ManPage {
	all := commandPages(c, h)
	for _, t := range Topics() {
		all = append(all, ManPage{topicPage(t.Name), topicSection, t.man(h)})
	}
	return all
}

// A roff is a man page that is being written.
type roff struct {
	strings.Builder
	headed bool // the last line is a heading, behind which a paragraph needs no macro
}

// newRoff begins the page of this name and section.
func newRoff(name string, section int, h Header) *roff {
	var r roff
	fmt.Fprintf(&r, ".TH %s %d %s \"totpctl %s\" totpctl\n", escape(strings.ToUpper(name)), section, h.Date.Format(time.DateOnly), escape(h.Version))
	r.WriteString(".nh\n.ad l\n") // commands are copied, so no hyphen is put into them
	return &r
}

// heading writes that of a section, in capitals as man pages have it.
func (r *roff) heading(text string) {
	fmt.Fprintf(r, ".SH \"%s\"\n", escape(strings.ToUpper(text)))
	r.headed = true
}

func (r *roff) subheading(text string) {
	fmt.Fprintf(r, ".SS \"%s\"\n", escape(text))
	r.headed = true
}

// paragraph begins one.
func (r *roff) paragraph() {
	if !r.headed {
		r.WriteString(".PP\n")
	}
}

// line writes a line of text that has its escapes. A dot at its beginning is no macro.
func (r *roff) line(text string) {
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	r.WriteString(text + "\n")
	r.headed = false
}

// example writes lines as they are, but for the indentation of the first.
func (r *roff) example(text string) {
	text = strings.Trim(text, "\n")
	indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	r.paragraph()
	r.WriteString(".RS 4\n.EX\n")
	for line := range strings.Lines(text) {
		r.line(escape(strings.TrimPrefix(strings.TrimRight(line, "\n"), indent)))
	}
	r.WriteString(".EE\n.RE\n")
}

// tagged writes a term and, indented, what there is to say about it.
func (r *roff) tagged(term string, lines ...string) {
	r.WriteString(".TP\n")
	r.line(term)
	for i, line := range lines {
		if i > 0 {
			r.WriteString(".br\n")
		}
		r.line(line)
	}
}

// escape has roff print the text as it is, and with the ASCII characters that can be copied.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`).Replace(text)
}

func bold(text string) string { return `\fB` + text + `\fR` }

// reference returns how man pages name one another.
func reference(name string, section int) string {
	return fmt.Sprintf("%s(%d)", bold(escape(name)), section)
}

// topicPage returns the name of a topic's man page.
func topicPage(topic string) string { return "totpctl-" + topic }

const topicSection = 7

// inline turns the code spans, bold words and links of a paragraph into roff. A link to a page
// becomes a reference, any other link its text.
func inline(text string) string {
	markup := regexp.MustCompile("`([^`]+)`|\\*\\*(.+?)\\*\\*|\\[([^\\]]+)\\]\\(([^)]+)\\)")
	var b strings.Builder
	for {
		m := markup.FindStringSubmatchIndex(text)
		if m == nil {
			return b.String() + escape(text)
		}
		part := func(i int) string { return text[m[2*i]:m[2*i+1]] }
		b.WriteString(escape(text[:m[0]]))
		switch {
		case m[2] >= 0:
			b.WriteString(bold(escape(part(1))))
		case m[4] >= 0:
			b.WriteString(bold(inline(part(2))))
		default:
			b.WriteString(link(part(3), part(4)))
		}
		text = text[m[1]:]
	}
}

func link(text, to string) string {
	page, _, _ := strings.Cut(to, "#")
	if topic, ok := strings.CutSuffix(page, ".md"); ok && !strings.Contains(topic, "/") {
		return reference(topicPage(topic), topicSection)
	}
	return inline(text)
}
