//go:build unix

package authenticator

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopTime is how long the system may take to stop the process. It does not stop one
// whose parent could not let it go on (POSIX, orphaned process group).
const stopTime = 500 * time.Millisecond

// listen has signals of the terminal end the wait for keys. SIGTSTP is not among them,
// because the Go runtime would never let it stop the process again.
func (b *browser) listen() { signal.Notify(b.signals, syscall.SIGWINCH, syscall.SIGCONT) }

func interpretSequences(*os.File) error { return nil }

// heed does what a signal asks. For SIGWINCH there is nothing to do, because each drawing
// asks for the size. After SIGCONT the shell has used the terminal.
func (b *browser) heed(s os.Signal) {
	if s == syscall.SIGCONT {
		b.resume()
	}
}

// suspend stops the process and those that it shares a process group with, as Ctrl-Z
// does outside raw mode, and goes on when the shell lets it.
func (b *browser) suspend() {
	b.screen.leave()
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, syscall.SIGCONT)
	defer signal.Stop(goesOn)
	_ = syscall.Kill(0, syscall.SIGTSTP) // its own group: there is nothing to fail
	select {
	case <-goesOn:
	case <-time.After(stopTime):
	}
	b.resume()
}
