// Package passphrase has people type a passphrase on the terminal, or reads it from a
// file.
package passphrase

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"totpctl/cmd/hint"
)

// MaxBytes is the length of the longest passphrase. It is that of the longest line
// which Linux takes from a terminal.
const MaxBytes = 4095

// ErrNoTerminal is returned by Ask and AskNew where the process has no terminal, or is in
// the background of one.
var ErrNoTerminal = errors.New("there is no terminal to type it on")

var (
	errEmpty       = errors.New("it is empty")
	errLines       = errors.New("it has several lines")
	errInterrupted = errors.New("interrupted")
)

// Ask shows "PROMPT: " on the terminal of the process and returns the line that is
// typed there. The terminal shows none of it. The terminal is /dev/tty (on Windows
// CONIN$ and CONOUT$), wherever the standard streams lead. An interrupt gives the
// terminal its echo back, and is an error. An empty line is an error, too. The hint of
// ErrNoTerminal names --passphrase-file; a command without that flag wraps it with a
// hint of its own.
func Ask(prompt string) (string, error) {
	text, err := AskSecret(prompt)
	if err == nil {
		return text, nil
	}
	noTerminal := errors.Is(err, ErrNoTerminal)
	if err = fmt.Errorf("asking for the passphrase: %w", err); noTerminal {
		err = hint.With(err, "--passphrase-file FILE reads it from a file")
	}
	return "", err
}

// AskSecret is Ask for another secret than a passphrase. Its errors say nothing of what was
// asked for.
func AskSecret(prompt string) (string, error) {
	t, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer t.close()
	text, err := t.ask(prompt)
	if err == nil {
		err = check(text)
	}
	if err != nil {
		return "", err
	}
	return text, nil
}

// AskNew asks twice, for a passphrase that nothing was sealed with before. Two that
// differ are an error.
func AskNew(prompt string) (string, error) {
	first, err := Ask(prompt)
	if err != nil {
		return "", err
	}
	second, err := Ask(prompt + " (again)")
	if err == nil && first != second {
		err = hint.With(errors.New("asking for the passphrase: the two differ"), "nothing has changed: start again")
	}
	if err != nil {
		return "", err
	}
	return first, nil
}

// FromFile returns the one line of a file, without the newline at its end. Errors do not
// quote what is in the file. FromFile takes a file that others may read; the commands
// warn of it.
func FromFile(path string) (string, error) {
	text, err := readFile(path)
	if err == nil {
		err = check(text)
	}
	if err != nil {
		return "", hint.With(fmt.Errorf("reading the passphrase from %s: %w", path, err), "the file holds the passphrase alone, in one line")
	}
	return text, nil
}

// readFile does not wait for somebody to open a FIFO: serve would hang at its start.
func readFile(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", hint.WithoutPath(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+3)) // a byte too many, and CR LF
	if info, errStat := f.Stat(); err == nil && errStat == nil && len(text) == 0 && info.Mode()&fs.ModeNamedPipe != 0 {
		err = errors.New("nobody writes to this pipe")
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), hint.WithoutPath(err)
}

// check returns an error for what can't be typed in a line.
func check(text string) error {
	switch {
	case text == "":
		return errEmpty
	case len(text) > MaxBytes:
		return fmt.Errorf("it is longer than %d bytes", MaxBytes)
	case strings.ContainsAny(text, "\r\n\x00"):
		return errLines
	}
	return nil
}

// A terminal is what people type on and see. in and out may be one file.
type terminal struct{ in, out *os.File }

func (t terminal) close() {
	t.in.Close()
	t.out.Close()
}

// ask returns what is typed, or errInterrupted after one of the signals, which must not
// end the process before the echo is back.
func (t terminal) ask(prompt string) (text string, err error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, interrupts()...)
	defer signal.Stop(signals)
	defer ignoreStop()()
	restore, err := hush(t.in) // before the prompt, which people answer at once
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, restore()) }()
	fmt.Fprint(t.out, prompt+": ")
	defer fmt.Fprintln(t.out)
	select {
	case l := <-readLine(t.in):
		return string(l.text), l.err
	case <-signals:
		return "", errInterrupted
	}
}

// A line is what has been typed.
type line struct {
	text []byte
	err  error
}

// readLine sends the next line, which is empty where the input ends. After a signal it
// goes on until the process ends, so it must not change the terminal.
func readLine(f *os.File) <-chan line {
	typed := make(chan line, 1)
	go func() {
		text, err := read(f)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		typed <- line{text, err}
	}()
	return typed
}
