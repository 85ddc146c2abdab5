package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
)

// Fresh implements Store. SQLite takes an empty file for a new database.
func (s *SQLite) Fresh() string { return s.fresh }

// Fresh implements Store.
func (p *Postgres) Fresh() string { return p.fresh }

func (s *SQLite) noteFresh(path string) error {
	info, err := s.file.Stat()
	if err == nil && info.Size() == 0 {
		s.fresh = path
	}
	return err
}

func (p *Postgres) noteFresh(ctx context.Context, conn *sql.Conn) error {
	var name string
	var fresh bool
	if err := conn.QueryRowContext(ctx, "SELECT current_database(), to_regclass('schema_version') IS NULL").Scan(&name, &fresh); err != nil {
		return fmt.Errorf("looking for tables: %w", err)
	}
	if fresh {
		p.fresh = name
	}
	return nil
}
