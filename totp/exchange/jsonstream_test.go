package exchange

import (
	"errors"
	"strings"
	"testing"
)

func TestAFileGivesAMillionEntriesAtMost(t *testing.T) {
	c := Contents{Accounts: make([]Account, maxEntries/2), LeftOut: make([]LeftOut, maxEntries/2-1)}
	list := strings.NewReader(`{"entries":[{}, 0, 1, 2]}`)
	visit := func(place string, _ struct{}) { c.leaveOut(place, "", errBin) }
	if err := eachJSON(&c, list, "entries/*", "entry", visit); !errors.Is(err, errTooMany) {
		t.Error(err)
	}
	c.keep(Account{})
	if n := len(c.Accounts) + len(c.LeftOut); n != maxEntries || !c.tooMany {
		t.Errorf("%d entries, too many: %v", n, c.tooMany)
	}
}

func TestADocumentIsReadToItsEnd(t *testing.T) {
	for text, want := range map[string]int{
		`{"a":[1,2,{"b":[[]]}],"a":[4]}`: 4,
		`{"b":[1],"*":[2]}`:              0,
		`{"a":{"x":1}}`:                  0,
		`{"a":7}`:                        0,
		`[1]`:                            0,
		`"a"`:                            0,
		`{"a":[1]`:                       -1,
		`{"a":[1]}}`:                     -1,
		`{"a":[1]} {}`:                   -1,
		`{"a":[1,]}`:                     -1,
		`{"a":[1],"b":tru}`:              -1,
		`{"a"`:                           -1,
		``:                               -1,
	} {
		var c Contents
		n := 0
		err := eachJSON(&c, strings.NewReader(text), "a/*", "entry", func(string, any) { n++ })
		if want < 0 && !errors.Is(err, ErrDamaged) || want >= 0 && (err != nil || n != want) {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
}
func TestAHugeEntryIsLeftOutUndecoded(t *testing.T) {
	huge := `"x":[` + strings.Repeat("{},", maxElement/3) + `{}]`
	for name, file := range map[string]string{
		"aegis":     `{"version":1,"header":{},"db":{"entries":[{%s,"type":"totp","name":"a","info":{"secret":"` + testSecret + `"}}]}}`,
		"2fas":      `{"schemaVersion":4,"services":[{%s,"name":"a","secret":"` + testSecret + `"}]}`,
		"andotp":    `[{"secret":"` + testSecret + `","label":"a",%s}]`,
		"bitwarden": `{"encrypted":false,"items":[{%s,"name":"a","login":{"totp":"` + testSecret + `"}}]}`,
	} {
		c, err := Read([]byte(strings.Replace(file, "%s", huge, 1)), Options{})
		if err != nil || c.Format != name || len(c.Accounts) != 0 || len(c.LeftOut) != 1 || c.LeftOut[0].Err != errElement {
			t.Errorf("%s: %d accounts, %v, %v", name, len(c.Accounts), c.LeftOut, err)
		}
		c, err = Read([]byte(strings.Replace(file, "%s", `"x":0`, 1)), Options{})
		if err != nil || c.Format != name || len(c.Accounts) != 1 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}
