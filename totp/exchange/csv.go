package exchange

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
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

func isCSV(data []byte) bool { return newTable(data).isOurs() }

// isOurs reports whether a table has the columns that it needs.
func (t table) isOurs() bool {
	return t.has(csvAccount) && (t.has(csvSecret) || t.has(csvBase32) || t.has(csvHex))
}

func readCSV(c *Contents, in input) error {
	t := newTable(in.data)
	if !t.isOurs() {
		return fmt.Errorf("%w: its header names no %s and %s", ErrDamaged, csvAccount, csvSecret)
	}
	return t.eachRow(c, c.addRow)
}

func (c *Contents) addRow(place string, row tableRow) {
	r := record{
		place: place, kind: row.get(csvType), issuer: fromSpreadsheet(row.get(csvIssuer)), account: fromSpreadsheet(row.get(csvAccount)),
		algorithm: row.get(csvAlgorithm), digits: row.get(csvDigits), period: row.get(csvPeriod),
	}
	if err := cmp.Or(row.complete(), r.setSecret(row)); err != nil {
		c.leaveOut(place, r.name(), err)
		return
	}
	c.add(r)
}

func (r *record) setSecret(row tableRow) (err error) {
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
		w.Write([]string{
			toSpreadsheet(e.Account), toSpreadsheet(e.Issuer), e.Key.Secret().Base32(),
			e.Key.Algorithm().String(), strconv.Itoa(e.Key.Digits()), seconds(e.Key.Period()), kindOf(e),
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
