package exchange

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"totpctl/totp"
)

func csvFixtures() []fixture {
	const hexSecret = "3132333435363738393031323334353637383930" // testSecret
	rows := [][]string{
		{"Period", "Secret_Hex", "ACCOUNT", " issuer ", "algorithm", "Department", "digits", "type", "secret_base32"},
		{"", hexSecret, "alice", "GitHub", "", "it", "", "", ""},
		{"60", "", `"bob, ""the builder"""`, "", "SHA-256", "", "8", "TOTP", strings.ToLower(testSecret)},
		{"", "", "gabe", "Steam", "", "", "", "steam", testSecret},
		{"", "", "counter", "Old", "", "", "", "hotp", testSecret},
		{"", "12345", "odd", "Bad", "", "", "", "", ""},
		{"", hexSecret, "two", "Bad", "", "", "", "", testSecret},
		{"", "", "", "", "", "", "", "", ""},
		{"", "", "none", "Bad", "", "", "", "", ""},
		{"", "", "short", "Bad"},
	}
	var all []fixture
	for delimiter, file := range map[string]string{",": "comma.csv", ";": "semicolon.csv", "\t": "tab.tsv"} {
		var b strings.Builder
		for _, row := range rows {
			b.WriteString(strings.Join(row, delimiter) + "\r\n")
		}
		all = append(all, fixture{
			file: file, format: "csv", data: []byte("\xef\xbb\xbf" + b.String()), cutUnseen: true,
			accounts: []string{
				"otpauth://totp/GitHub:alice?secret=" + testSecret + "&issuer=GitHub",
				"otpauth://totp/bob%2C%20%22the%20builder%22?secret=" + testSecret + "&algorithm=SHA256&digits=8&period=60",
				"otpauth://totp/Steam:gabe?secret=" + testSecret + "&issuer=Steam&digits=5&encoder=steam",
			},
			leftOut: []string{"Old:counter", "Bad:odd", "Bad:two", "Bad:none", "Bad:short"},
		})
	}
	return all
}

func TestABrokenRowIsNamedByItsLineAndTheOthersAreRead(t *testing.T) {
	table := "account,secret\nalice," + testSecret + "\nb\"ob," + testSecret + "\ncarol," + testSecret + "\n\"dave," + testSecret + "\nerin," + testSecret + "\n"
	c, err := Read([]byte(table), Options{})
	if err != nil || len(c.Accounts) != 2 || len(c.LeftOut) != 2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if c.Accounts[1].Place != "line 4" || c.LeftOut[0].Place != "line 3" || c.LeftOut[1].Place != "line 5" || !strings.Contains(c.LeftOut[1].Err.Error(), "up to line 6") {
		t.Errorf("%+v", c)
	}
	for _, l := range c.LeftOut {
		if !errors.Is(l.Err, ErrDamaged) || strings.Contains(l.Err.Error(), testSecret) {
			t.Error(l.Err)
		}
	}
	for _, other := range []string{"account,issuer\na,b\n", "secret\n" + testSecret, "account;secret,\n", "\"account,secret\n"} {
		if _, err := Read([]byte(other), Options{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", other, err)
		}
		if _, err := Read([]byte(other), Options{Format: "csv"}); err == nil {
			t.Errorf("%q as csv: no error", other)
		}
	}
}

func TestNoNameIsAFormulaForASpreadsheet(t *testing.T) {
	for _, v := range []struct{ name, cell string }{
		{"alice", "alice"}, {"=1+1", "'=1+1"}, {"+49", "'+49"}, {"-x", "'-x"}, {"@SUM(A1)", "'@SUM(A1)"}, {"＝1", "'＝1"},
		{"'=1", "''=1"}, {"'", "'"}, {"'tis", "'tis"}, {"a;=1", "a;'=1"}, {"a; =1;b", "a;' =1;b"}, {"a=1", "a=1"},
	} {
		if cell := toSpreadsheet(v.name); cell != v.cell || fromSpreadsheet(cell) != v.name {
			t.Errorf("%q is written as %q, want %q, and read as %q", v.name, cell, v.cell, fromSpreadsheet(cell))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		if name := randomName(r); fromSpreadsheet(toSpreadsheet(name)) != name {
			t.Fatalf("%q is written as %q", name, toSpreadsheet(name))
		}
	}
}

func TestATableThatIsWrittenAndCutOffGivesNoWrongAccount(t *testing.T) {
	var entries []totp.Entry
	all := map[string]bool{}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		e := randomEntry(t, r)
		entries, all[e.URI()] = append(entries, e), true
	}
	file, _, err := Write("csv", entries)
	if err != nil {
		t.Fatal(err)
	}
	for n := range file {
		c, _ := Read(file[:n], Options{})
		for _, u := range uris(c) {
			if !all[u] {
				t.Errorf("%d bytes: %q", n, u)
			}
		}
	}
}

func TestARowOfMillionsOfColumnsIsRefused(t *testing.T) {
	wide := strings.Repeat(",", 3*maxDelimiters)
	for _, file := range []string{"account,secret" + wide + "\na," + testSecret + "\n", "account,secret\na," + testSecret + wide + "\n"} {
		if c, err := Read([]byte(file), Options{Format: "csv"}); err == nil {
			t.Errorf("%d accounts, %d left out", len(c.Accounts), len(c.LeftOut))
		}
	}
	many := "account,secret,note\n" + strings.Repeat("a,"+testSecret+",\"1,2,3,4\"\n", maxDelimiters/5)
	if c, err := Read([]byte(many), Options{}); err != nil || len(c.Accounts) != maxDelimiters/5 {
		t.Errorf("many rows: %d accounts, %v", len(c.Accounts), err)
	}
}

func FuzzCSV(f *testing.F) { fuzzRead(f, "csv") }
