package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// checkpointRows is how many rows are written between checkpoints: a verdict is one,
// and one page of 4 KiB in the write-ahead log. The more rows, the more of them
// share a page that is copied, but the longer the log.
const checkpointRows = 6000

// backstopPages is the length of the log at which SQLite checkpoints by itself,
// whoever writes: other processes, too, and where the checkpointer does not get
// through.
const backstopPages = 20_000

// fewPages are copied without anybody's noticing.
const fewPages = 256

// maxPasses ends a checkpoint that the writer is faster than.
const maxPasses = 6

// dropPause gathers what was dropped at about the same time.
const dropPause = time.Second

// A checkpointer copies the write-ahead log into the database on a connection of
// its own, because SQLite's automatic checkpoint has every request wait while
// thousands of pages are copied and synced. The few pages that come during its
// last pass are left to the writer, which then begins the log anew.
type checkpointer struct {
	store *SQLite
	conn  *sql.Conn     // from the start: later, the path may lead to another file
	wake  chan struct{} // holds one

	// dropped holds one: sealed text was deleted or replaced, and is still in the
	// database and its log.
	dropped chan struct{}
}

// run checkpoints whenever it is woken, until the store is closed. A checkpoint
// that fails loses nothing: the log has it all, until the next one.
func (c *checkpointer) run() {
	for {
		select {
		case <-c.wake:
			c.checkpoint(false)
		case <-c.dropped:
			if pause(c.store.ctx, dropPause) {
				c.checkpoint(true)
			}
		case <-c.store.ctx.Done():
			return
		}
	}
}

// checkpoint leaves the last pages to the writer, and has it empty the log if it
// must not keep what it holds.
func (c *checkpointer) checkpoint(empty bool) {
	if c.copyPages(c.store.ctx) != nil {
		return
	}
	select {
	case c.store.copied <- empty:
	case <-c.store.ctx.Done():
	}
}

// pause reports whether it lasted: not if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// copyPages goes through the log until a pass finds few pages, as each takes less
// time than the one before. It syncs each pass, bit by bit: SQLite does so only with
// the log's last page, when the writer waits for it.
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

// checkpoint copies what it can without waiting for anybody, and returns how many
// of the log's pages have been copied by now.
func checkpoint(ctx context.Context, conn *sql.Conn) (copied int, err error) {
	var busy, pages int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &copied)
	return copied, err
}

// empty overwrites the log, too, unless another process reads from it: whoever asks
// for a verdict must not wait for that one.
func empty(ctx context.Context, conn *sql.Conn) {
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err == nil {
		conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout.Milliseconds()))
}
