package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"totpctl/cmd/hint"
)

// A manager is the service manager that has started serve with NOTIFY_SOCKET, such as
// systemd (sd_notify(3)). Without one, nothing is told and nothing fails.
type manager struct {
	log  *slog.Logger
	addr string // of the listener
}

func (m manager) tell(states ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(states, "\n")); err != nil {
		m.log.Warn("service manager not told", "error", err.Error())
	}
}

func status(text string) string { return "STATUS=" + hint.OneLine(text) }

// ready says that requests are answered, at the start or after a reload. err is the reload's.
func (m manager) ready(err error) {
	text := "serving on " + m.addr
	if err != nil {
		text += "; the last reload changed nothing: " + err.Error()
	}
	m.tell(daemon.SdNotifyReady, status(text))
}

func (m manager) reloading() {
	m.tell(daemon.SdNotifyReloading, daemon.SdNotifyMonotonicUsec()+status("rereading the configuration"))
}

func (m manager) stopping() {
	m.tell(daemon.SdNotifyStopping, status("letting the requests under way finish"))
}

// watched returns the time within which the manager wants to hear that serve is alive, 0
// if it does not watch.
func watched() (time.Duration, error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		err = hint.With(fmt.Errorf("reading WATCHDOG_USEC: %w", err), "systemd sets it from WatchdogSec= of the unit: leave it to that")
	}
	return interval, err
}

// supervise tells the manager that requests are answered, and from then on what comes,
// until ctx ends.
func (m manager) supervise(ctx context.Context, interval time.Duration, ask func(context.Context) error, stuck func(error) bool) {
	m.ready(nil)
	context.AfterFunc(ctx, m.stopping)
	if interval > 0 {
		go m.keepAlive(ctx, interval, ask, stuck)
	}
}

// keepAlive tells the manager twice in each interval that serve is alive, until ctx ends.
// It asks the store before, and is silent while that does not answer. An error is an
// answer: a restart brings back neither a lost database nor room on a disk, and a server
// that starts without its database ends. What needs a restart is a process that is stuck.
func (m manager) keepAlive(ctx context.Context, interval time.Duration, ask func(context.Context) error, stuck func(error) bool) {
	ticks := time.NewTicker(interval / 2)
	defer ticks.Stop()
	for ctx.Err() == nil {
		err := within(ctx, interval/4, ask)
		if stuck(err) {
			continue
		}
		text := "serving on " + m.addr
		if err != nil {
			text += "; no verdicts: the store answers with an error: " + err.Error()
		}
		m.tell(daemon.SdNotifyWatchdog, status(text))
		select {
		case <-ticks.C:
		case <-ctx.Done():
		}
	}
}

func within(ctx context.Context, limit time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return ask(ctx)
}

// stuck reports whether the error of a question to the store shows that this process is
// stuck. A PostgreSQL that does not answer may be at fault itself, or the network; a file
// of SQLite's is on this machine, and nothing else serves it.
func (c serveConfig) stuck(err error) bool {
	return strings.HasPrefix(c.store.URL, "sqlite:") && errors.Is(err, context.DeadlineExceeded)
}
