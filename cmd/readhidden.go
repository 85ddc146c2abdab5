package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"

	"totpctl/cmd/hint"
	"totpctl/cmd/passphrase"
)

// maxHidden is how many bytes readHidden takes: a password manager's entry has a secret
// and some notes.
const maxHidden = 64 << 10

// readHidden returns a secret text from standard input, without spaces around it. On a
// terminal it asks for a line, which is not shown.
func (p program) readHidden(prompt string) (string, error) {
	if f, ok := p.in.(*os.File); ok && isTerminal(f) {
		text, err := passphrase.AskSecret(prompt)
		if err != nil {
			err = hint.With(err, "type it and Return, or give it on a pipe")
		}
		return strings.TrimSpace(text), err
	}
	text, err := io.ReadAll(io.LimitReader(p.in, maxHidden+1))
	if err == nil && len(text) > maxHidden {
		err = fmt.Errorf("it is longer than %d bytes", maxHidden)
	}
	return strings.TrimSpace(string(text)), err
}
