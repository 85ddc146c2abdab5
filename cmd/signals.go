package cmd

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal is the context of commands that run until SIGINT, SIGTERM or one of
// the others. Commands that end by themselves do without: listening for signals
// starts a thread.
func untilSignal(others ...os.Signal) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), append([]os.Signal{os.Interrupt, syscall.SIGTERM}, others...)...)
}

// serveSignals is untilSignal for serve, which must end in no other way. A SIGHUP
// is received from reread. On a terminal it ends the context instead: the terminal
// is gone; reread is nil then.
func (p program) serveSignals() (ctx context.Context, stop context.CancelFunc, reread <-chan os.Signal) {
	// Without a receiver, Go ends a process that writes to a standard output or
	// error whose reader is gone. Signals that nobody takes are dropped.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if isTerminal(p.errOut) {
		if signal.Ignored(syscall.SIGHUP) { // by nohup, which means it
			ctx, stop = untilSignal()
		} else {
			ctx, stop = untilSignal(syscall.SIGHUP)
		}
		return ctx, stop, nil
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ctx, stop = untilSignal()
	return ctx, stop, hangups
}
