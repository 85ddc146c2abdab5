package sqlstore

import (
	"context"
	"strings"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// OpenSQLite is Open for the file at path.
func OpenSQLite(ctx context.Context, path string, keys [][]byte) (*SQLite, error) {
	return openSQLite(ctx, path, Config{EncryptionKeys: keys})
}

// OpenPostgres is Open for PostgreSQL.
func OpenPostgres(ctx context.Context, url string, keys [][]byte) (*Postgres, error) {
	return openPostgres(ctx, Config{URL: url, EncryptionKeys: keys})
}

// MigrationFor returns a migration as an engine reads it.
func MigrationFor(url, name string) (string, error) {
	text, err := migrations.ReadFile("migrations/" + name)
	if len(url) > 0 && url[0] == 's' {
		return sqliteDialect.migration(string(text)), err
	}
	return postgresDialect.migration(string(text)), err
}

// SealVersion2 seals a key as schema version 2 had it.
func SealVersion2(encryptionKey []byte, account string, k totp.Key) (string, error) {
	s, err := newSealer([][]byte{encryptionKey})
	if err != nil {
		return "", err
	}
	return s.sealKey(k, account)
}

// MovedTables returns the tables that a move copies.
func MovedTables() (names []string) {
	for _, t := range movedTables {
		names = append(names, strings.TrimPrefix(t.name, "moved_"))
	}
	return names
}

// PageOf returns the statement of a page as an engine reads it, and its parameters.
func PageOf(url string, r verifier.Range, limit int) (text string, values []any) {
	s := pageOf(r, limit)
	if len(url) > 0 && url[0] == 's' {
		return s.text, s.values
	}
	return postgresDialect.statement(s.text), s.values
}

// After returns the end of the names with a prefix.
func After(prefix string) string { return after(prefix) }
