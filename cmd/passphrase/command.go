package passphrase

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"totpctl/cmd/hint"
)

// maxOutput bounds what a command may print, in bytes. Password managers print more than
// the passphrase: `pass show` prints the whole entry.
const maxOutput = 64 << 10

// FromCommand has the shell run a command line and returns the first line of its standard
// output. The command has the terminal of this process, so that it can ask for what it
// needs itself. in may be nil for no standard input. Errors quote neither the command line
// nor its output.
func FromCommand(command string, in io.Reader, errOut io.Writer) (string, error) {
	var out bounded
	c := shell(command)
	c.Stdin, c.Stdout, c.Stderr = in, &out, errOut
	c.WaitDelay = time.Second // for an agent that the command has left behind
	err := c.Run()
	text, _, _ := bytes.Cut(out.text, []byte("\n"))
	text = bytes.TrimSuffix(text, []byte("\r"))
	switch {
	case out.over:
		err = fmt.Errorf("it prints more than %d bytes", maxOutput)
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		err = check(string(text))
	}
	if err != nil {
		return "", hint.With(fmt.Errorf("running ENCRYPTION_PASSPHRASE_COMMAND: %w", err), "run the command in this shell: it must exit 0, and the first line that it prints is the passphrase")
	}
	return string(text), nil
}

// bounded keeps at most maxOutput bytes.
type bounded struct {
	text []byte
	over bool
}

func (b *bounded) Write(more []byte) (int, error) {
	if b.over = len(b.text)+len(more) > maxOutput; b.over {
		return 0, io.ErrShortBuffer
	}
	b.text = append(b.text, more...)
	return len(more), nil
}
