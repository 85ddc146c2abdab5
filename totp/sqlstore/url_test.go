package sqlstore_test

import (
	"strings"
	"testing"

	"totpctl/totp/sqlstore"
)

const (
	quoteUser = "user or password has a % or / of its own: write it as %25 or %2F"
	plainFile = "want sqlite:FILE, the path of a file: without file:, :memory: and ?PARAMETERS"
)

func TestOpenRefusesAURLThatItCouldMisunderstand(t *testing.T) {
	t.Chdir(t.TempDir())
	for url, want := range map[string]string{
		"": "want sqlite:FILE or postgres://…", "sqlite:": "want sqlite:FILE or postgres://…", "x.db": "want sqlite:FILE or postgres://…",
		"mysql://u:tell-nobody@h/x": "want sqlite:FILE or postgres://…", "sqlite:postgres://u:tell-nobody@h/x": "want sqlite:FILE or postgres://…",
		"sqlite://x.db": "want sqlite:x.db, without //", "sqlite:///x/y.db": "want sqlite:/x/y.db, without //", "sqlite://": "want sqlite:FILE, without //",
		"sqlite://u:tell-nobody@h/x.db":            "want sqlite:FILE, without //",
		"postgres://u:pa@tell-nobody@127.0.0.1:1/": "user or password has an @ of its own: write it as %40",
		"postgresql://u:a@b@h?x=y":                 "user or password has an @ of its own: write it as %40",
		"postgres://u:tell-nobody%RIT@h/x":         quoteUser,
		"postgres://u:tell-nobody/T@h/x":           quoteUser,
		"postgres://h/x?sslmode=tell-nobody":       "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full",
		"postgres://h/x?sslrootcert=/nowhere":      "reading a file of the URL: open /nowhere: no such file or directory",
		"postgres://u:tell-nobody@h:port/x":        "not a PostgreSQL URL: want postgres://USER:PASSWORD@HOST[,HOST]/DATABASE",
		"sqlite::memory:":                          plainFile, "sqlite:x.db?mode=ro": plainFile, "sqlite:file:x.db": plainFile,
	} {
		store, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: url})
		if err == nil {
			store.Close()
		}
		if err == nil || err.Error() != want || strings.Contains(err.Error(), "tell-nobody") {
			t.Errorf("%q: error %v, want %s", url, err, want)
		}
	}
	for _, url := range []string{"sqlite:x.db", "sqlite:/x/y.db", "postgres://u:p%40q@h/x", "postgres://u:a:b,c$%2F@h/x?sslmode=require", "postgres://h:1,h:2/x?a=/@/", "sqlite:a:b", "postgres://u:p@h1,h2:5433/x?a=b@c", "postgresql://h/x#a@b@c"} {
		if err := sqlstore.CheckURL(url); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}
