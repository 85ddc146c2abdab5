package authenticator

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
)

var update = flag.Bool("update", false, "make the picture of the README anew")

const pictureFile = "pictures/gen-all.svg"

// A colour and a weight for each style, on the dark ground of most terminals.
var pictureStyles = strings.NewReplacer(
	bold, `</tspan><tspan fill="#ffffff" font-weight="bold">`,
	dim, `</tspan><tspan fill="#8b949e">`,
	plain, `</tspan><tspan>`,
)

func TestThePictureOfTheREADMEIsWhatATerminalShows(t *testing.T) {
	got := picture(t, pictureTable(t))
	if *update {
		if err := os.WriteFile(pictureFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(pictureFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table shows (%v): go test ./cmd/authenticator -update makes it anew", pictureFile, err)
	}
}

func pictureTable(t *testing.T) *table {
	rows := rowsOf(t, "GitHub:alice", "Bank of Example:4711", "Mastodon:@alice@example.social", "example.com:root")
	rows = append(rows, rowOf(t, "Steam:gabe", totp.SteamScheme()), rowOf(t, "Zürich:Jürg", totp.Scheme{Algorithm: totp.SHA256, Digits: 8, Period: 30 * time.Second}))
	for i, r := range rows {
		rows[i].Entry.Issuer, rows[i].Entry.Account, _ = strings.Cut(r.Name, ":")
	}
	SortRows(rows)
	v := newTable(rows, true)
	v.tick(at(t, tableMoment))
	v.resize(76, len(rows)+2)
	v.types(keyDown)
	return v
}

// picture draws the lines of a table as a terminal does.
func picture(t *testing.T, v *table) []byte {
	t.Helper()
	const cell, line, margin = 8.4, 20, 16
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" role="img" aria-label="A live table of accounts with their codes">`+"\n",
		float64(v.columns)*cell+2*margin, v.lines*line+2*margin)
	b.WriteString(`<rect width="100%" height="100%" rx="8" fill="#0d1117"/>` + "\n" +
		`<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#c9d1d9">` + "\n")
	for i, text := range v.view() {
		var escaped bytes.Buffer
		if err := xml.EscapeText(&escaped, []byte(column.ReplaceAllString(text, ""))); err != nil {
			t.Fatal(err)
		}
		// XML has no control characters, and SVG draws one space for several.
		text = strings.NewReplacer("\uFFFD", "\x1b", " ", "\u00a0").Replace(escaped.String())
		fmt.Fprintf(&b, `<text x="%d" y="%d"><tspan>%s</tspan></text>`+"\n", margin, margin+(i+1)*line-5, pictureStyles.Replace(text))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}
