//go:build linux

package sqlstore_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// manyAccounts fills a database with 100,000 accounts, of which a few are of each list.
const manyAccounts = `
INSERT INTO enrolment (number, account, created_at, sealed_key, recovery, pending, kept, expires_at, issuer)
	SELECT n, 'user' || n, 0, CASE WHEN n % 9000 = 1 THEN '' ELSE 'x' END, CASE WHEN n % 9000 = 2 THEN '' ELSE 'x' END, '', '', 0, '' FROM numbers;
INSERT INTO account (id, enrolment, revision, last_step, failures, wait_until, blocked, recovery_used, answer)
	SELECT 'user' || n, n, 1, 1, 0, CASE WHEN n % 9000 = 3 THEN 1 ELSE 0 END, CASE WHEN n % 9000 = 4 THEN 1 ELSE 0 END, CASE WHEN n % 9000 = 5 THEN 1023 ELSE 3 END, '' FROM numbers;
DROP TABLE numbers;`

func fillMany(d database) {
	numbers := `CREATE TABLE numbers AS SELECT generate_series(1, 100000) AS n;`
	analyze := `ANALYZE;`
	if strings.HasPrefix(d.url, "sqlite:") {
		numbers, analyze = `CREATE TABLE numbers AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000) SELECT n FROM c;`, ""
	}
	d.exec(numbers + manyAccounts + analyze)
}

func planOf(t *testing.T, url, text string, values []any) string {
	t.Helper()
	driver, source, explain := "pgx", url, "EXPLAIN "+text
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source, explain = "sqlite", file, "EXPLAIN QUERY PLAN "+text
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(explain, values...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		columns, _ := rows.Columns()
		into := make([]any, len(columns))
		var line string
		for i := range into {
			into[i] = new(any)
		}
		into[len(into)-1] = &line
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&plan, line)
	}
	return plan.String()
}

func TestEachListReadsItsIndexAlone(t *testing.T) {
	wholeTable := regexp.MustCompile(`(?m)SCAN (account|enrolment)$|Seq Scan on (account|enrolment)`)
	onBothEngines(t, func(t *testing.T, d database) {
		d.mustOpen(t, oldKey).Close()
		fillMany(d)
		s := d.mustOpen(t, oldKey)
		for name, list := range map[string]struct {
			r       verifier.Range
			indices []string
			found   int
		}{
			"all":             {verifier.Range{From: "user5"}, nil, 101},
			"prefix":          {verifier.Range{Prefix: "user9999"}, nil, 11},
			"held":            {verifier.Range{Among: verifier.AmongHeld}, []string{"account_held"}, 24},
			"unconfirmed":     {verifier.Range{Among: verifier.AmongUnconfirmed}, []string{"enrolment_unconfirmed"}, 12},
			"recoveryless":    {verifier.Range{Among: verifier.AmongRecoveryless}, []string{"account_recovery_used", "enrolment_no_recovery"}, 24},
			"held and prefix": {verifier.Range{Prefix: "user9", Among: verifier.AmongHeld}, []string{"account_held"}, 6},
		} {
			text, values := sqlstore.PageOf(d.url, list.r, 101)
			plan := planOf(t, d.url, text, values)
			for _, index := range list.indices {
				if !strings.Contains(plan, index) {
					t.Errorf("%s does not use %s:\n%s", name, index, plan)
				}
			}
			if wholeTable.MatchString(plan) {
				t.Errorf("%s reads a whole table:\n%s", name, plan)
			}
			if page, err := s.List(t.Context(), list.r, 101); err != nil || len(page) != list.found {
				t.Errorf("%s has %d accounts, %v, want %d", name, len(page), err, list.found)
			}
		}
	})
}

func TestThePrefixOfNamesHasAnEnd(t *testing.T) {
	for prefix, want := range map[string]string{
		"a": "b", "al": "am", "a\U0010ffff": "b", "\U0010ffff": "\U0010ffff", "\ud7ff": "\ue000", "é": "ê", "a ": "a!", "": "\U0010ffff",
	} {
		if got := sqlstore.After(prefix); got != want {
			t.Errorf("the end of %q is %q, want %q", prefix, got, want)
		}
	}
}
