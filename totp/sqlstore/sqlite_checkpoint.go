package sqlstore

import (
	"context"
	"database/sql"
	"errors"
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

// A checkpointer copies the write-ahead log into the database on a connection of
// its own, because SQLite's automatic checkpoint has every request wait while
// thousands of pages are copied and synced. The few pages that come during its
// last pass are left to the writer, which then begins the log anew.
type checkpointer struct {
	store *SQLite
	conn  *sql.Conn     // from the start: later, the path may lead to another file
	wake  chan struct{} // holds one
}

// run checkpoints whenever it is woken, until the store is closed. A checkpoint
// that fails loses nothing: the log has it all, until the next one.
func (c *checkpointer) run() {
	for {
		select {
		case <-c.wake:
			if c.copyPages(c.store.ctx) == nil {
				c.askWriter()
			}
		case <-c.store.ctx.Done():
			return
		}
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

func (c *checkpointer) askWriter() {
	select {
	case c.store.copied <- struct{}{}:
	case <-c.store.ctx.Done():
	}
}

// checkpoint copies what it can without waiting for anybody, and returns how many
// of the log's pages have been copied by now.
func checkpoint(ctx context.Context, conn *sql.Conn) (copied int, err error) {
	var busy, pages int
	err = conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &copied)
	return copied, err
}
