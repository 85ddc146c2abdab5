package transfer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"totpctl/cmd/transfer"
	"totpctl/totp"
	"totpctl/totp/exchange"
	"totpctl/totp/verifier"
)

const (
	long  = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	other = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	short = "JBSWY3DPEHPK3PXP" // 80 bits
)

func key(t *testing.T, secret string) totp.Key {
	t.Helper()
	s, err := totp.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	k, err := totp.NewKey(s, totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// file returns the contents of a list of otpauth URIs, whose labels and secrets are given.
func file(t *testing.T, labels ...string) exchange.Contents {
	t.Helper()
	var list strings.Builder
	for _, l := range labels {
		label, secret, _ := strings.Cut(l, " ")
		fmt.Fprintf(&list, "otpauth://totp/%s?secret=%s\n", label, secret)
	}
	c, err := exchange.Read([]byte(list.String()), exchange.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lines describes the items of a plan.
func lines(p *transfer.Plan) (all []string) {
	for _, i := range p.Items {
		all = append(all, strings.Trim(strings.Join([]string{string(i.Action), i.Name, i.Reason, strings.Join(i.Notes, "; ")}, "|"), "|"))
	}
	return all
}

func want(t *testing.T, p *transfer.Plan, wanted ...string) {
	t.Helper()
	got := lines(p)
	if len(got) != len(wanted) {
		t.Fatalf("items are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
	for n := range wanted {
		if got[n] != wanted[n] {
			t.Errorf("item %d is %q, want %q", n, got[n], wanted[n])
		}
	}
}

func TestAnAccountIsStoredUnderIssuerAndAccount(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "GitHub:alice "+long, "bob "+other)))
	want(t, p, "add|GitHub:alice", "add|bob")
}

func TestNamesThatNoAccountMayHaveAreMadeValidOrLeftOut(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "ACME:alice%3Asecond "+long, "x%3ay%3az "+other, "- "+short)))
	want(t, p,
		`add|ACME:alice-second||its account, "alice:second", becomes "alice-second"`,
		`add|x-y-z||its account, "x:y:z", becomes "x-y-z"`,
		"leave out|-|no account can have this name: it stands for something else on the command line")
}

func TestAKeyThatComesTwiceIsToldOf(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "alice "+long, "alice "+long, "bob "+long)))
	want(t, p, "add|alice||f, line 2 has it again", `add|bob||its key is that of "alice", too`)
}

func TestASecondKeyOfANameGetsANumberedName(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "ACME:alice "+long, "ACME:alice "+other)))
	p.Add(transfer.In("g", file(t, "ACME:alice "+other, "ACME:alice "+strings.Repeat(short, 3))))
	const taken = `another account of the files has the name "ACME:alice"`
	want(t, p, "add|ACME:alice", "add|ACME:alice (2)||"+taken+"; g, line 1 has it again", "add|ACME:alice (3)||"+taken)
	if e := p.Items[1].Entry; e.Issuer != "ACME" || e.Account != "alice (2)" {
		t.Errorf("its entry is of %q at %q", e.Account, e.Issuer)
	}
}

func TestANumberedNameMayBeTakenItself(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "a%20(2) "+long, "a "+long, "a "+other)))
	if got := p.Items[2].Name; got != "a (3)" {
		t.Errorf("the third is %q", got)
	}
}

func TestAChangedNameGivesWayToTheAccountOfThatName(t *testing.T) {
	for _, changed := range []string{"al%E2%80%8Bice", "alice%20", "alice%E2%A0%80", "%1Balice"} {
		p := transfer.New()
		p.Add(transfer.In("f", file(t, changed+" "+other, "alice "+long)))
		if p.Items[0].Name != "alice (2)" || p.Items[1].Name != "alice" {
			t.Errorf("%s: the names are %q and %q", changed, p.Items[0].Name, p.Items[1].Name)
		}
	}
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "alice%20 "+long, "alice "+long, "dave "+other, "dave "+short, "dave%20(2) "+long)))
	want(t, p, "add|alice||f, line 2 has it again", "add|dave",
		`add|dave (3)||another account of the files has the name "dave"; its secret has 80 bits: RFC 4226 asks for 128 at least`,
		`add|dave (2)||its key is that of "alice", too`)
}

func TestManyAccountsOfOneNameOrOneKeyArePlannedInTime(t *testing.T) {
	var names, keys []string
	for n := range 20_000 {
		names = append(names, "a "+long+digits(n))
		keys = append(keys, fmt.Sprintf("a%d %s", n, other))
	}
	p, start := transfer.New(), time.Now()
	p.Add(transfer.In("f", file(t, names...)))
	p.Add(transfer.In("g", file(t, keys...)))
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it takes %v", took)
	}
	if got := p.Count(transfer.Add); got != 40_000 {
		t.Errorf("%d are added", got)
	}
}

func TestAShortSecretIsTakenWithAWarning(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "alice "+short)))
	want(t, p, "add|alice||its secret has 80 bits: RFC 4226 asks for 128 at least")
}

func TestTheDefaultAccountIsThereAlready(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "me:default "+long, "me:other "+long)))
	p.MeetDefault(totp.Entry{Issuer: "me", Account: "default", Key: key(t, long)})
	want(t, p, "there already|me:default||it is the default account",
		`add|me:other||its key is that of "me:default", too; its key is the default account's, too`)
}

func TestManyStoredAccountsOfOneKeyAreToldOfOnce(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "alice "+long, "bob "+long, "carol "+other)))
	for _, name := range []string{"x", "y", "z"} {
		p.Meet(verifier.StoredEntry{Name: name, Entry: totp.Entry{Account: name, Key: key(t, long)}})
	}
	want(t, p, `add|alice||its key is stored as "x", too`, `add|bob||its key is that of "alice", too; its key is stored as "x", too`, "add|carol")
}

func TestAReportHasEachItemOnce(t *testing.T) {
	p := transfer.New()
	p.Add(transfer.In("f", file(t, "alice "+long, "bob "+short, "carol "+strings.Repeat(short, 2), "hotp%zz AAAA1")))
	p.LeaveOut("g", "", errors.New("the file is damaged"))
	p.Items[0].Action, p.Items[2].Action = transfer.Unchanged, transfer.Replace
	p.Meet(verifier.StoredEntry{Name: "dave", Entry: totp.Entry{Account: "dave", Key: key(t, long)}})
	got, err := json.Marshal(p.Report())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"added":["bob"],"replaced":["carol"],"unchanged":["alice"],` +
		`"left_out":[{"place":"f, line 4","name":"hotp%zz","reason":"secret is not base32, which has no 0, 1, 8 and 9: O, I or L, B?"},` +
		`{"place":"g","name":"","reason":"the file is damaged"}],` +
		`"warnings":[{"place":"f, line 1","name":"alice","warning":"its key is stored as \"dave\", too"},` +
		`{"place":"f, line 2","name":"bob","warning":"its secret has 80 bits: RFC 4226 asks for 128 at least"}]}`
	if string(got) != want {
		t.Errorf("report is\n%s\nwant\n%s", got, want)
	}
	if got := p.Summary(); got != "1 added, 1 replaced, 1 there already, 2 left out" {
		t.Errorf("summary is %q", got)
	}
}

func TestCodesOfAnUnusualSchemeAreDescribed(t *testing.T) {
	c, err := exchange.Read([]byte("otpauth://totp/a?secret="+long+"\notpauth://totp/b?secret="+long+"&algorithm=SHA256&digits=8&period=60\notpauth://steam/c?secret="+long), exchange.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := transfer.New()
	p.Add(transfer.In("f", c))
	for n, want := range []string{"-", "SHA256, 8 digits, 60 s", "Steam"} {
		if got := p.Items[n].Codes(); got != want {
			t.Errorf("codes are %q, want %q", got, want)
		}
	}
}
