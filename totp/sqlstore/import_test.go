//go:build linux

package sqlstore_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

func newAccounts(t *testing.T, prefix string, n int) []verifier.NewAccount {
	t.Helper()
	all := make([]verifier.NewAccount, n)
	for i := range all {
		k, err := totp.GenerateKey(totp.DefaultScheme())
		if err != nil {
			t.Fatal(err)
		}
		all[i] = verifier.NewAccount{Name: fmt.Sprintf("%s%06d", prefix, i), Entry: totp.Entry{Issuer: "issuer", Account: "account", Key: k}}
	}
	return all
}

// importURL names, to the process that is killed, the database to fill.
const importURL = "TOTPCTL_TEST_IMPORT_URL"

// importUntilKilled imports accounts for ever, and prints a line after each transaction.
func importUntilKilled(t *testing.T, url string) {
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url, EncryptionKeys: [][]byte{oldKey}})
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, s, newClock())
	for i := 0; ; i++ {
		if _, err := v.Import(t.Context(), newAccounts(t, fmt.Sprintf("%06d ", i), 1000), verifier.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("imported")
	}
}

// A thousand accounts are a transaction: all of them are there after a kill, or none.
func TestAKilledImportLeavesNoPartOfATransaction(t *testing.T) {
	if url := os.Getenv(importURL); url != "" {
		importUntilKilled(t, url)
	}
	onBothEngines(t, func(t *testing.T, d database) {
		c := exec.Command(os.Args[0], "-test.run=^TestAKilledImportLeavesNoPartOfATransaction$")
		c.Env = append(os.Environ(), importURL+"="+d.url)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		told := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if told++; told == 3 {
				time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
				c.Process.Kill()
			}
		}
		c.Wait()
		s := d.mustOpen(t, oldKey)
		accounts := 0
		for from := " "; from != ""; {
			page, err := s.List(t.Context(), verifier.Range{From: from}, 1001)
			if err != nil {
				t.Fatal(err)
			}
			from = ""
			for i, a := range page {
				if a.Damaged {
					t.Fatalf("%s is damaged", a.ID)
				}
				if i == 1000 {
					from = a.ID
				} else {
					accounts++
				}
			}
		}
		if accounts%1000 != 0 || accounts < 1000*told {
			t.Errorf("%d accounts after the kill, %d transactions were told of", accounts, told)
		}
		s.Close()
		dump := d.dump()
		if orphans := strings.Count(dump, "SHA1 6 30 ") - accounts; orphans != 0 {
			t.Errorf("%d enrolments have no account", orphans)
		}
	})
}
