package cmd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/totp/sqlstore"
)

func TestTheWatchdogHearsNothingWhileTheStoreDoesNotAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	hears := func(limit time.Duration) bool {
		conn.SetReadDeadline(time.Now().Add(limit))
		_, err := conn.Read(make([]byte, 4096))
		return err == nil
	}
	var silent atomic.Bool
	silent.Store(true)
	c := serveConfig{store: sqlstore.Config{URL: "sqlite:totpctl.db"}}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		manager{slog.New(slog.DiscardHandler), "here"}.keepAlive(ctx, 200*time.Millisecond, func(ctx context.Context) error {
			if silent.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			return errors.New("the disk is full")
		}, c.stuck)
	}()
	if hears(time.Second) {
		t.Error("it says that serve is alive")
	}
	silent.Store(false)
	if !hears(20 * time.Second) {
		t.Error("of a store that answers with an error it says nothing")
	}
	end()
	<-ended
}
