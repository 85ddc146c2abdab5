package sqlstore_test

import (
	"testing"

	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
	"totpctl/totp/verifier/storetest"
)

func TestPostgresKeepsTheStoreContracts(t *testing.T) {
	server := pgtest.Start(t)
	storetest.Run(t, func(t *testing.T) storetest.Open {
		url := server.URL(server.NewDatabase())
		return func(t *testing.T) verifier.Store { return openPostgres(t, url) }
	})
}

func openPostgres(t *testing.T, url string) *sqlstore.Postgres {
	t.Helper()
	p, err := sqlstore.OpenPostgres(t.Context(), url, [][]byte{encryptionKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
