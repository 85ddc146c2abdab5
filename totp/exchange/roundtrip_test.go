package exchange

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
)

// randomName returns what totp.ParseName takes: characters that formats, readers and
// spreadsheets give a meaning, among others.
func randomName(r *rand.Rand) string {
	alphabet := []rune("ab Zß漢字🙂é:;,|/\\\"'`=+-@＝#%&?<>{}[]()$\u200d\u0301*_~^!0")
	for {
		name := make([]rune, 1+r.IntN(12))
		if r.IntN(50) == 0 {
			name = make([]rune, totp.MaxName)
		}
		for i := range name {
			name[i] = alphabet[r.IntN(len(alphabet))]
		}
		if parsed, err := totp.ParseName(strings.TrimSpace(string(name))); err == nil {
			return parsed
		}
	}
}

func randomEntry(t *testing.T, r *rand.Rand) totp.Entry {
	secret := make([]byte, 1+r.IntN(64))
	for i := range secret {
		secret[i] = byte(r.Uint32())
	}
	s, err := totp.NewSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	scheme := totp.DefaultScheme()
	switch r.IntN(4) {
	case 0:
		scheme = totp.Scheme{Algorithm: totp.Algorithm(1 + r.IntN(3)), Digits: 6 + r.IntN(3), Period: time.Duration(1+r.IntN(86400)) * time.Second}
	case 1:
		scheme = totp.Scheme{Algorithm: totp.Algorithm(1 + r.IntN(3)), Digits: 6 + 2*r.IntN(2), Period: 30 * time.Second}
	case 2:
		scheme = totp.SteamScheme()
	}
	key, err := totp.NewKey(s, scheme)
	if err != nil {
		t.Fatal(err)
	}
	issuer := ""
	if r.IntN(3) > 0 {
		issuer = randomName(r)
	}
	e, err := totp.NewEntry(issuer, randomName(r), key)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhatIsWrittenIsReadBackTheSame(t *testing.T) {
	for _, f := range Formats() {
		if !f.Written {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			seed := rand.Uint64()
			r := rand.New(rand.NewPCG(seed, 0))
			for range 50 {
				entries := make([]totp.Entry, r.IntN(30))
				for i := range entries {
					entries[i] = randomEntry(t, r)
				}
				checkRoundTrip(t, f.Name, entries)
			}
			if t.Failed() {
				t.Logf("seed %d", seed)
			}
		})
	}
}

// checkRoundTrip compares the key and the name as a whole. Which part of a name is the
// issuer's is lost for older names alone, whose account has a colon.
func checkRoundTrip(t *testing.T, format string, entries []totp.Entry) {
	t.Helper()
	file, leftOut, err := Write(format, entries)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{} // places of what was left out
	for _, l := range leftOut {
		want[l.Place] = true
	}
	var kept []totp.Entry
	for i, e := range entries {
		if !want["entry "+strconv.Itoa(i+1)] {
			kept = append(kept, e)
		} else if mustHold(format, e) {
			t.Errorf("%v is left out: %+v", e, leftOut)
		}
	}
	if len(kept)+len(leftOut) != len(entries) {
		t.Fatalf("%d entries: %d kept and %d left out", len(entries), len(kept), len(leftOut))
	}
	if len(kept) == 0 {
		return
	}
	c, err := Read(file, Options{})
	if err != nil || c.Format != format || len(c.LeftOut) > 0 || len(c.Accounts) != len(kept) {
		t.Fatalf("read as %q: %d of %d accounts, %+v, %v", c.Format, len(c.Accounts), len(kept), c.LeftOut, err)
	}
	for i, a := range c.Accounts {
		if entryName(a.Entry) != entryName(kept[i]) || !a.Entry.Key.Equal(kept[i].Key) || len(a.Notes) > 0 {
			t.Errorf("%.60q %v is read back as %.60q %v with %.99q", entryName(kept[i]), kept[i].Key, entryName(a.Entry), a.Entry.Key, a.Notes)
		}
		if !strings.Contains(kept[i].Account, ":") && a.Entry.Issuer != kept[i].Issuer {
			t.Errorf("issuer %q is read back as %q", kept[i].Issuer, a.Entry.Issuer)
		}
	}
}

// mustHold reports whether the format may not leave an entry out.
func mustHold(format string, e totp.Entry) bool {
	return format == "otpauth" || !strings.Contains(e.Account, ":") && (format != "google" || e.Key.Scheme() == totp.DefaultScheme())
}
