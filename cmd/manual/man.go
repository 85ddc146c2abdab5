package manual

import (
	"regexp"
	"strings"
)

// man returns the topic as a man page of section 7. Of Markdown it reads what the pages have:
// headings, paragraphs, lists, tables, fenced blocks, code spans, bold words and links.
func (t Topic) man(h Header) string {
	r := newRoff(topicPage(t.Name), topicSection, h)
	r.heading("NAME")
	r.line(escape(topicPage(t.Name)) + ` \- ` + inline(lowerFirst(strings.TrimSuffix(t.Sentence, "."))))
	r.heading("DESCRIPTION")
	m := markdown{roff: r}
	_, rest, _ := strings.Cut(t.Text, "\n\n")
	for line := range strings.Lines(rest) {
		m.read(strings.TrimRight(line, "\n"))
	}
	m.end()
	return r.String()
}

// A markdown reads a page line by line, and writes each block when it has ended.
type markdown struct {
	roff   *roff
	kind   blockKind
	lines  []string // of the block that has begun
	inList bool
}

type blockKind int

const (
	noBlock blockKind = iota
	paragraph
	item
	table
	fenced
)

func (m *markdown) read(line string) {
	heading := regexp.MustCompile(`^(##+) (.*)$`).FindStringSubmatch(line)
	switch {
	case strings.HasPrefix(line, "```"):
		closes := m.kind == fenced
		m.end()
		if !closes {
			m.kind = fenced
		}
	case m.kind == fenced:
		m.lines = append(m.lines, line)
	case line == "":
		m.end()
	case heading != nil:
		m.end()
		m.inList = false
		m.heading(len(heading[1]), heading[2])
	case strings.HasPrefix(line, "|"):
		m.begin(table, line)
	case mark(line) != "":
		m.end()
		m.begin(item, line)
	case m.kind == item:
		m.lines = append(m.lines, line)
	default:
		m.begin(paragraph, line)
	}
}

// begin adds a line to the block of this kind, which it begins if none has.
func (m *markdown) begin(kind blockKind, line string) {
	if m.kind != kind {
		m.end()
	}
	m.kind, m.lines = kind, append(m.lines, line)
}

// end writes the block that has begun.
func (m *markdown) end() {
	text := joined(m.lines)
	switch m.kind {
	case paragraph:
		m.paragraph(text)
	case item:
		m.item(text)
	case table:
		m.table()
	case fenced:
		m.roff.example(strings.Join(m.lines, "\n"))
	}
	m.kind, m.lines = noBlock, nil
}

func (m *markdown) heading(level int, text string) {
	text = strings.ReplaceAll(text, "`", "")
	if level == 2 {
		m.roff.heading(text)
		return
	}
	m.roff.subheading(text)
}

// paragraph writes one. If it is indented behind an item of a list, it goes on with the item.
func (m *markdown) paragraph(text string) {
	m.inList = m.inList && strings.HasPrefix(m.lines[0], " ")
	if m.inList {
		m.roff.WriteString(".IP \"\" 4\n")
	} else {
		m.roff.paragraph()
	}
	m.roff.line(inline(text))
}

func (m *markdown) item(text string) {
	m.inList = true
	if of := mark(text); of != "-" {
		m.roff.WriteString(`.IP "` + of + "\" 4\n")
	} else {
		m.roff.WriteString(".IP \\(bu 4\n")
	}
	m.roff.line(inline(strings.TrimSpace(text[len(mark(text)):])))
}

// mark returns what marks a line as an item of a list, "-" or a number with a dot, else "".
func mark(line string) string {
	m := regexp.MustCompile(`^(-|\d+\.) `).FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	return m[1]
}

// table writes each row as a term with the other cells below it, because a terminal has no
// room for columns of sentences.
func (m *markdown) table() {
	head := cells(m.lines[0])
	if head[0] != "" {
		m.roff.paragraph()
		m.roff.line(`\fI` + inline(head[0]) + `\fR:`)
	}
	for _, row := range m.lines[min(2, len(m.lines)):] {
		all := cells(row)
		var lines []string
		for i, cell := range all[1:] {
			if cell != "" && len(all) > 2 && i+1 < len(head) && head[i+1] != "" {
				cell = head[i+1] + ": " + cell
			}
			if cell != "" {
				lines = append(lines, inline(cell))
			}
		}
		m.roff.tagged(inline(all[0]), lines...)
	}
}

func cells(row string) (all []string) {
	for cell := range strings.SplitSeq(strings.Trim(row, "|"), "|") {
		all = append(all, strings.TrimSpace(cell))
	}
	return all
}

// joined returns the words of the lines with one space between them.
func joined(lines []string) string {
	return strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
}

func lowerFirst(text string) string {
	if text == "" || strings.HasPrefix(text, "`") {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}
