//go:build linux

package proof

import (
	"encoding/base32"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/sqlstore/pgtest"
)

// importBound is generous. A machine of 2 cores imports 100,000 accounts in 12 s.
const importBound = 5 * time.Minute

func TestAHundredThousandAccountsAreImportedInMinutes(t *testing.T) {
	importMany(t, "sqlite:"+filepath.Join(t.TempDir(), "t.db"), 100_000)
}

func TestTwentyThousandAccountsAreImportedIntoPostgreSQLInMinutes(t *testing.T) {
	database := pgtest.Start(t)
	importMany(t, database.URL(database.NewDatabase()), 20_000)
}

// importMany imports accounts, and once more, which changes nothing. Then it exports them.
func importMany(t *testing.T, database string, n int) {
	t.Helper()
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "otpauth://totp/ACME:user%06d?secret=%s&issuer=ACME\n", i, base32.StdEncoding.EncodeToString(fmt.Appendf(nil, "%020d", i)))
	}
	file := filepath.Join(t.TempDir(), "codes.txt")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), cmdtest.Binary(t), args...)
		c.Dir = t.TempDir()
		c.Env = []string{"HOME=/no-home", "DATABASE_URL=" + database, "ENCRYPTION_KEY=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
		start := time.Now()
		out, err := c.Output()
		if err != nil {
			t.Fatalf("totpctl %q: %v", args, err)
		}
		if took := time.Since(start); took > importBound {
			t.Errorf("totpctl %q takes %v", args, took)
		}
		return string(out)
	}
	for _, want := range []string{"added", "there already"} {
		if got := run("account", "import", file); !strings.HasSuffix(got, fmt.Sprintf("\n%d %s\n", n, want)) {
			t.Errorf("the import ends in %q, want %d %s", got[max(0, len(got)-80):], n, want)
		}
	}
	if run("account", "export", "--out", "-") != list.String() {
		t.Error("the export is not what was imported")
	}
}
