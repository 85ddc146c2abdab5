package sqlstore

import (
	"context"
	"errors"
	"strings"

	"totpctl/totp/verifier"
)

// A Store is a verifier.Store that has been opened.
type Store interface {
	verifier.Store

	// Reseal seals with the first encryption key what others have sealed, so
	// that those may be retired. It returns how many accounts it changed.
	Reseal(ctx context.Context) (changed int, err error)

	// Fresh is the file, or PostgreSQL's name, of a database that held nothing
	// before it was opened, "" for another. An operator must learn of one: where
	// the right database is missing, nobody is enrolled and no code is used.
	Fresh() string

	// Warnings tells what an operator should know of the database's settings.
	Warnings(ctx context.Context) ([]string, error)

	Close() error
}

// Config says which database a Store is on and what seals its secrets.
type Config struct {
	URL            string   // sqlite:FILE, postgres://… or postgresql://…
	EncryptionKeys [][]byte // of 32 bytes: the first seals, all open; none stores no secret
}

// Open opens the store that c describes: see OpenSQLite and OpenPostgres.
func Open(ctx context.Context, c Config) (Store, error) {
	if path, ok := strings.CutPrefix(c.URL, "sqlite:"); ok && path != "" {
		return OpenSQLite(ctx, path, c.EncryptionKeys)
	}
	if strings.HasPrefix(c.URL, "postgres://") || strings.HasPrefix(c.URL, "postgresql://") {
		return OpenPostgres(ctx, c.URL, c.EncryptionKeys)
	}
	return nil, errors.New("DATABASE_URL is neither sqlite:FILE nor postgres://…")
}
