//go:build linux

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

// imported has accounts, as `account import` stores them.
type imported struct {
	t   *testing.T
	env []string
}

func importURIs(t *testing.T, uris []string) imported {
	t.Helper()
	file := filepath.Join(t.TempDir(), "codes.txt")
	if err := os.WriteFile(file, []byte(strings.Join(uris, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return importFile(t, file)
}

func importFile(t *testing.T, file string) imported {
	t.Helper()
	i := imported{t, []string{
		"DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "t.db"),
		"ENCRYPTION_KEY=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	}}
	i.run("account", "import", file)
	return i
}

func (i imported) run(args ...string) string {
	i.t.Helper()
	return output(i.t, i.env, "", cmdtest.Binary(i.t), args...)
}

// agree compares the code of an imported account with another program's.
func (i imported) agree(name string, other func() string) {
	i.t.Helper()
	agree(i.t, name, func() string { return i.run("gen", "--once", name) }, other)
}

func TestCodesOfImportedAccountsAgreeWithOathtoolAndKeePassXC(t *testing.T) {
	t.Parallel()
	var all []scheme
	var uris []string
	for i, s := range schemes() {
		if s.period == "30" || s.period == "60" {
			all = append(all, s)
			uris = append(uris, s.totpctl(t, "qr", "--uri", "--issuer", "ACME", "--label", title(i)))
		}
	}
	accounts, db := importURIs(t, uris), newKeePass(t, uris)
	for i, s := range all {
		label, _, _ := strings.Cut(strings.TrimPrefix(uris[i], "otpauth://totp/"), "?")
		accounts.agree(label, func() string {
			return output(t, nil, s.secret, "oathtool", "--totp="+s.algorithm, "--digits="+s.digits, "--time-step-size="+s.period+"s", "--base32", "-")
		})
		accounts.agree(label, func() string { return db.run("show", "--quiet", "--totp", db.file, title(i)) })
	}
}

func TestCodesOfAnImportedSteamAccountAgreeWithKeePassXC(t *testing.T) {
	t.Parallel()
	uri := "otpauth://totp/Steam:gabe?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Steam&period=30&digits=5&encoder=steam"
	accounts, db := importURIs(t, []string{uri}), newKeePass(t, []string{uri})
	accounts.agree("Steam:gabe", func() string { return db.run("show", "--quiet", "--totp", db.file, title(0)) })
}

func TestWhatKeePassXCExportsIsImported(t *testing.T) {
	t.Parallel()
	uris := []string{
		"otpauth://totp/ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME&algorithm=SHA256&digits=8&period=60",
		"otpauth://totp/Steam:gabe?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQAAA&issuer=Steam&period=30&digits=5&encoder=steam",
	}
	db := newKeePass(t, uris)
	for _, format := range []string{"csv", "xml"} {
		file := filepath.Join(t.TempDir(), "keepass."+format)
		if err := os.WriteFile(file, []byte(db.run("export", "--quiet", "--format", format, db.file)), 0o600); err != nil {
			t.Fatal(err)
		}
		accounts := importFile(t, file)
		for i := range uris {
			accounts.agree(title(i), func() string { return db.run("show", "--quiet", "--totp", db.file, title(i)) })
		}
	}
}
