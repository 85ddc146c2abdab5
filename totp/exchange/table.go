package exchange

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A table is a CSV file (RFC 4180) whose header names its columns. They may be in any order
// and in capitals, and be parted by commas, semicolons or tabs, as spreadsheets write them.
type table struct {
	data      []byte
	columns   map[string]int // by their names in lower case
	width     int
	delimiter rune
}

// newTable reads the header. It takes the delimiter that gives the most columns. A table of
// fewer than two columns has none.
func newTable(data []byte) table {
	t := table{data: trimBOM(data)}
	line, _, _ := bytes.Cut(bytes.TrimLeft(t.data, "\r\n"), []byte("\n"))
	for _, delimiter := range ",;\t" {
		reader, _ := newCSVReader(line, delimiter)
		names, err := reader.Read()
		if err != nil || len(names) <= max(1, t.width) {
			continue
		}
		t.delimiter, t.width, t.columns = delimiter, len(names), map[string]int{}
		for i, name := range names {
			name = strings.ToLower(strings.TrimSpace(name))
			if !t.has(name) {
				t.columns[name] = i
			}
		}
	}
	return t
}

// newCSVReader returns a reader of rows, which fails with ErrDamaged after maxDelimiters in a
// row, and its counter, which the caller must reset before each row.
func newCSVReader(data []byte, delimiter rune) (*csv.Reader, *delimiterCounter) {
	counter := &delimiterCounter{rest: data, delimiter: byte(delimiter)}
	r := csv.NewReader(counter)
	r.Comma = delimiter
	r.FieldsPerRecord = -1
	return r, counter
}

// maxDelimiters of a row are far more than its columns, because a note in quotes may have
// commas, too. A column takes 50 bytes of memory at least.
const maxDelimiters = 1 << 20

// A delimiterCounter reads data and returns ErrDamaged after maxDelimiters. encoding/csv reads
// little ahead.
type delimiterCounter struct {
	rest      []byte
	delimiter byte
	count     int
}

func (d *delimiterCounter) Read(p []byte) (int, error) {
	if d.count > maxDelimiters {
		return 0, fmt.Errorf("%w: a row has more than %d columns", ErrDamaged, maxDelimiters)
	}
	if len(d.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.rest)
	d.count += bytes.Count(d.rest[:n], []byte{d.delimiter})
	d.rest = d.rest[n:]
	return n, nil
}

func (t table) has(column string) bool {
	_, ok := t.columns[column]
	return ok
}

// eachRow calls add for each row below the header that is not empty, with its place.
func (t table) eachRow(c *Contents, add func(place string, row tableRow)) error {
	r, counter := newCSVReader(t.data, t.delimiter)
	if _, err := r.Read(); err != nil {
		return ErrDamaged
	}
	for !c.tooMany {
		counter.count = 0
		fields, err := r.Read()
		bad, broken := errors.AsType[*csv.ParseError](err)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case broken:
			c.leaveOut(fmt.Sprintf("line %d", bad.StartLine), "", fmt.Errorf("%w: its quotes are broken, up to line %d", ErrDamaged, bad.Line))
		case err != nil:
			return err
		case strings.TrimSpace(strings.Join(fields, "")) != "":
			line, _ := r.FieldPos(0)
			atEnd := r.InputOffset() == int64(len(t.data)) && !bytes.HasSuffix(t.data, []byte("\n"))
			add(fmt.Sprintf("line %d", line), tableRow{t, fields, atEnd})
		}
	}
	return errTooMany
}

// A tableRow is a row with the columns of its table.
type tableRow struct {
	table  table
	fields []string
	atEnd  bool // the file ends right after it, without a line break
}

func (r tableRow) get(name string) string {
	i, ok := r.table.columns[name]
	if !ok || i >= len(r.fields) {
		return ""
	}
	return strings.TrimSpace(r.fields[i])
}

// complete returns an error for a row such as the last one of a file that is cut off.
func (r tableRow) complete() error {
	if len(r.fields) < r.table.width {
		return fmt.Errorf("%w: it has %d of %d columns", ErrDamaged, len(r.fields), r.table.width)
	}
	return nil
}

// mayBeCut reports whether the file ends within a column, as far as one can see.
func (r tableRow) mayBeCut(column string) bool {
	return r.atEnd && r.table.columns[column] == len(r.fields)-1
}

// cutNote is for an account whose last column is a secret.
const cutNote = "the file ends right after it, without a line break: characters may be missing at its end"
