package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// When a checkpoint begins, and when it ends: see checkpointer.
const (
	// checkpointRows is how many rows are written between checkpoints. A verdict
	// writes a row, and that is a page of 4 KiB in the log.
	checkpointRows = 6000
	// backstopPages is the length of the log at which SQLite checkpoints by itself.
	backstopPages = 20_000
	// fewPages (1 MiB) is short enough for the writer to copy between two batches.
	fewPages = 256
	// maxPasses bounds a checkpoint while the writer adds pages faster than the
	// checkpointer copies them.
	maxPasses = 6
)

// dropPause gathers what was dropped at about the same time.
const dropPause = time.Second

// A checkpointer copies the write-ahead log into the database on a connection of its
// own. SQLite's automatic checkpoint would have every request wait while thousands of
// pages are copied and synced.
//
//  1. After checkpointRows rows the writer wakes the checkpointer. A longer log would
//     copy less in all, because more of the rows would share a page.
//  2. The checkpointer copies what is in the log, syncs the database, and does so
//     again with what the writer has added meanwhile: each pass takes less time than
//     the one before. It stops at fewPages, or after maxPasses. It syncs after each
//     pass, because SQLite syncs only with the log's last page, when the writer waits.
//  3. The writer copies the rest (copied). With the whole log in the database, SQLite
//     begins the log anew at the next write.
//
// When sealed text was deleted or replaced (dropped), the same happens after dropPause,
// and the writer then empties the log: a revoked key must not stay readable until
// enough rows have been written, which takes a small server months.
//
// A checkpoint that fails loses nothing: the log holds everything until the next one.
// If the checkpointer does not get through, or another process writes, SQLite
// checkpoints by itself at backstopPages.
type checkpointer struct {
	store *SQLite
	conn  *sql.Conn     // opened with the store, because the path may lead to another file later
	wake  chan struct{} // holds one

	// dropped holds one: sealed text was deleted or replaced, and is still readable in
	// the database and its log.
	dropped chan struct{}
}

// run checkpoints whenever it is woken, until the store is closed.
func (c *checkpointer) run() {
	for {
		select {
		case <-c.wake:
			c.checkpoint(false)
		case <-c.dropped:
			select {
			case <-time.After(dropPause):
				c.checkpoint(true)
			case <-c.store.ctx.Done():
			}
		case <-c.store.ctx.Done():
			return
		}
	}
}

// checkpoint leaves the last pages to the writer, and has the writer empty the log if
// that must not keep what it holds.
func (c *checkpointer) checkpoint(empty bool) {
	if c.copyPages(c.store.ctx) != nil {
		return
	}
	select {
	case c.store.copied <- empty:
	case <-c.store.ctx.Done():
	}
}

// copyPages goes through the log until a pass finds few pages.
func (c *checkpointer) copyPages(ctx context.Context) error {
	before := 0
	for range maxPasses {
		copied, err := checkpoint(ctx, c.conn)
		if err != nil {
			return err
		}
		pages := copied - before
		if err := errors.Join(writeBack(c.store.file), c.store.file.Sync()); err != nil {
			return err
		}
		if pages <= fewPages {
			break
		}
		before = copied
	}
	return ctx.Err()
}

// checkpoint copies as many pages as it can without waiting for others, and returns how
// many of the log's pages have been copied by now.
func checkpoint(ctx context.Context, conn *sql.Conn) (copied int, err error) {
	var busy, pages int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &copied)
	return copied, err
}

// empty overwrites the log, too. If another process reads from the log, empty does
// nothing, because whoever asks for a verdict must not wait for that process.
func empty(ctx context.Context, conn *sql.Conn) (done bool) {
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err == nil {
		busy, err := truncate(ctx, conn)
		done = err == nil && !busy
	}
	conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout.Milliseconds()))
	return done
}

// truncate copies the log into the database and makes the log's file empty. It reports
// busy if another process still uses the log.
func truncate(ctx context.Context, conn *sql.Conn) (busy bool, err error) {
	var pages, copied int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &copied)
	return busy, err
}
