package exchange

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A CSV table (RFC 4180) has a header, whose columns may be in any order and in capitals,
// and be parted by commas, semicolons or tabs, as spreadsheets write them:
//
//	account                   required
//	secret or secret_base32   base32
//	secret_hex                hexadecimal: one of the three in each row
//	issuer, algorithm, digits, period, type ("totp" or "steam")
//
// Encodings are named by the header, because a secret such as ABCD2345 is good in both.
// Columns of other names are passed over.
const (
	csvAccount   = "account"
	csvIssuer    = "issuer"
	csvSecret    = "secret"
	csvBase32    = "secret_base32"
	csvHex       = "secret_hex"
	csvAlgorithm = "algorithm"
	csvDigits    = "digits"
	csvPeriod    = "period"
	csvType      = "type"
)

// csvHeader returns the columns of a table, or ok as false if data are no table of ours.
func csvHeader(data []byte) (columns map[string]int, delimiter rune, ok bool) {
	line, _, _ := bytes.Cut(bytes.TrimLeft(trimBOM(data), "\r\n"), []byte("\n"))
	for _, delimiter = range ",;\t" {
		names, err := newCSVReader(line, delimiter).Read()
		if err != nil {
			continue
		}
		columns = map[string]int{}
		for i, name := range names {
			name = strings.ToLower(strings.TrimSpace(name))
			if _, twice := columns[name]; !twice {
				columns[name] = i
			}
		}
		_, account := columns[csvAccount]
		if account && slices.ContainsFunc([]string{csvSecret, csvBase32, csvHex}, func(name string) bool { _, ok := columns[name]; return ok }) {
			return columns, delimiter, true
		}
	}
	return nil, 0, false
}

func newCSVReader(data []byte, delimiter rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = delimiter
	r.FieldsPerRecord = -1
	return r
}

func isCSV(data []byte) bool {
	_, _, ok := csvHeader(data)
	return ok
}

func readCSV(c *Contents, in input) error {
	columns, delimiter, ok := csvHeader(in.data)
	if !ok {
		return fmt.Errorf("%w: its header names no %s and %s", ErrDamaged, csvAccount, csvSecret)
	}
	r := newCSVReader(trimBOM(in.data), delimiter)
	header, err := r.Read()
	if err != nil {
		return ErrDamaged
	}
	for {
		row, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			c.leaveOut(fmt.Sprintf("line %d", bad.StartLine), "", fmt.Errorf("%w: its quotes are broken, up to line %d", ErrDamaged, bad.Line))
		case err != nil:
			return err
		case strings.TrimSpace(strings.Join(row, "")) != "":
			line, _ := r.FieldPos(0)
			c.addRow(fmt.Sprintf("line %d", line), csvRow{columns, row}, len(header))
		}
	}
}

// A csvRow is a row with the columns of its table.
type csvRow struct {
	columns map[string]int
	fields  []string
}

func (r csvRow) get(name string) string {
	i, ok := r.columns[name]
	if !ok || i >= len(r.fields) {
		return ""
	}
	return strings.TrimSpace(r.fields[i])
}

func (c *Contents) addRow(place string, row csvRow, width int) {
	r := record{
		place: place, kind: row.get(csvType), issuer: fromSpreadsheet(row.get(csvIssuer)), account: fromSpreadsheet(row.get(csvAccount)),
		algorithm: row.get(csvAlgorithm), digits: row.get(csvDigits), period: row.get(csvPeriod),
	}
	if len(row.fields) < width { // such as the last row of a file that is cut off
		c.leaveOut(place, r.name(), fmt.Errorf("%w: it has %d of %d columns", ErrDamaged, len(row.fields), width))
		return
	}
	if err := r.setSecret(row); err != nil {
		c.leaveOut(place, r.name(), err)
		return
	}
	c.add(r)
}

func (r *record) setSecret(row csvRow) (err error) {
	var given []string
	for _, name := range []string{csvSecret, csvBase32, csvHex} {
		if text := row.get(name); text != "" {
			given = append(given, name)
			r.secret = text
		}
	}
	switch {
	case len(given) > 1:
		return fmt.Errorf("it has two secrets, %s and %s", given[0], given[1])
	case len(given) == 1 && given[0] == csvHex:
		if r.raw, err = hex.DecodeString(strings.ReplaceAll(r.secret, " ", "")); err != nil {
			return errors.New("its secret is not hexadecimal")
		}
	}
	return nil
}

// writeCSV puts the type last: a row whose end is cut off is no row then.
func writeCSV(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{csvAccount, csvIssuer, csvSecret, csvAlgorithm, csvDigits, csvPeriod, csvType})
	for _, e := range entries {
		kind := "totp"
		if e.Key.Scheme().Steam {
			kind = "steam"
		}
		w.Write([]string{
			toSpreadsheet(e.Account), toSpreadsheet(e.Issuer), e.Key.Secret().Base32(),
			e.Key.Algorithm().String(), strconv.Itoa(e.Key.Digits()), seconds(e.Key.Period()), kind,
		})
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// toSpreadsheet puts an apostrophe before what a spreadsheet would run as a formula, as OWASP
// recommends against CSV injection: a name comes from whoever made the QR code. A semicolon
// begins a cell, too, because it does so for the spreadsheets of many countries.
func toSpreadsheet(name string) string {
	cells := strings.Split(name, ";")
	for i, cell := range cells {
		if isFormula(cell) {
			cells[i] = "'" + cell
		}
	}
	return strings.Join(cells, ";")
}

// fromSpreadsheet takes back what toSpreadsheet does.
func fromSpreadsheet(name string) string {
	cells := strings.Split(name, ";")
	for i, cell := range cells {
		if rest, ok := strings.CutPrefix(cell, "'"); ok && isFormula(rest) {
			cells[i] = rest
		}
	}
	return strings.Join(cells, ";")
}

// isFormula passes over apostrophes, so that the two directions are inverse.
func isFormula(cell string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, " '"))
	return strings.ContainsRune("=+-@＝＋－＠", first)
}
