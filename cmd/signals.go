package cmd

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that ends at SIGINT, SIGTERM or one of the others.
// Commands that end by themselves do not call it, because listening for signals
// starts a thread.
func untilSignal(others ...os.Signal) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), append([]os.Signal{os.Interrupt, syscall.SIGTERM}, others...)...)
}

// serveSignals returns the context of serve, which no other signal may end, and the
// channel of its SIGHUPs. On a terminal SIGHUP ends the context, because the terminal
// is gone, and reread is nil.
func (p program) serveSignals() (ctx context.Context, stop context.CancelFunc, reread <-chan os.Signal) {
	// Without a receiver of SIGPIPE, Go ends a process that writes to a standard output
	// or error whose reader is gone. The channel drops what nobody takes.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if isTerminal(p.errOut) {
		if signal.Ignored(syscall.SIGHUP) { // by nohup, whose user wants serve to outlive the terminal
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
