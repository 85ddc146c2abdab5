package server_test

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestSeveralNamesGiveATableOfLinks(t *testing.T) {
	f := newFixture(t)
	b := signedIn(t, f)
	f.Enrol("bob")
	r := b.post("/admin/add", "names", "alice\r\nbob\n\n  carol \nalice\na:b:c\n=1+1\n＝1+1\na;=1+1\n")
	if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/csv") || !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment") || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the answer is %d %v %s", r.status, r.header, r.text)
	}
	rows, err := csv.NewReader(strings.NewReader(r.text)).ReadAll()
	if err != nil || len(rows) != 8 || strings.Join(rows[0], " ") != "name link problem" {
		t.Fatalf("%q, %v", rows, err)
	}
	for i, want := range []string{"alice", "bob", "carol", "a:b:c", "'=1+1", "'＝1+1", "a;=1+1"} {
		made := want != "bob" && want != "a:b:c"
		if got := rows[i+1]; got[0] != want || strings.HasPrefix(got[1], f.URL+"/enrol/") != made || (got[2] == "") != made {
			t.Errorf("row %d is %q", i, got)
		}
	}
	if !strings.Contains(r.text, `"a;=1+1"`) { // a spreadsheet that parts cells at semicolons
		t.Errorf("the name with a semicolon is no cell of its own in %s", r.text)
	}
	if r := newBrowser(t, f).get(strings.TrimPrefix(rows[1][1], f.URL)); r.status != 200 {
		t.Errorf("alice's link is %d", r.status)
	}
	if r := b.post("/admin/add", "names", " \n\n"); r.status != 422 {
		t.Errorf("no names are %d", r.status)
	}
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, "user%04d%s\n", i, strings.Repeat("é", 100))
	}
	if r := b.post("/admin/add", "names", many.String()); r.status != 200 || strings.Count(r.text, "/enrol/") != 1000 {
		t.Errorf("a thousand names are %d, with %d links", r.status, strings.Count(r.text, "/enrol/"))
	}
	if r := b.send("POST", "/admin/add", url.Values{"names": {strings.Repeat("a", 1<<20)}}, "Accept", "*/*", "Sec-Fetch-Mode", "cors"); r.status != 413 || !strings.Contains(r.text, "larger than 1024 KiB") {
		t.Errorf("too large a body: %d %s", r.status, r.text)
	}
	if r := b.post("/admin/add", "names", many.String()+"more"); r.status != 422 || !strings.Contains(r.words(), "more than 1000 names") {
		t.Errorf("1001 names are %d", r.status)
	}
}
