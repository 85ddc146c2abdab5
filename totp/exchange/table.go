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

// newTable reads the header. Its delimiter is the one that gives the most columns; ok
// reports whether there are two at least.
func newTable(data []byte) (t table, ok bool) {
	t.data = trimBOM(data)
	line, _, _ := bytes.Cut(bytes.TrimLeft(t.data, "\r\n"), []byte("\n"))
	for _, delimiter := range ",;\t" {
		names, err := newCSVReader(line, delimiter).Read()
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
	return t, t.width > 1
}

func newCSVReader(data []byte, delimiter rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = delimiter
	r.FieldsPerRecord = -1
	return r
}

func (t table) has(column string) bool {
	_, ok := t.columns[column]
	return ok
}

// eachRow calls add for each row below the header that is not empty, with its place.
func (t table) eachRow(c *Contents, add func(place string, row tableRow)) error {
	r := newCSVReader(t.data, t.delimiter)
	if _, err := r.Read(); err != nil {
		return ErrDamaged
	}
	for {
		fields, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			c.leaveOut(fmt.Sprintf("line %d", bad.StartLine), "", fmt.Errorf("%w: its quotes are broken, up to line %d", ErrDamaged, bad.Line))
		case err != nil:
			return err
		case strings.TrimSpace(strings.Join(fields, "")) != "":
			line, _ := r.FieldPos(0)
			atEnd := r.InputOffset() == int64(len(t.data)) && !bytes.HasSuffix(t.data, []byte("\n"))
			add(fmt.Sprintf("line %d", line), tableRow{t, fields, atEnd})
		}
	}
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
