package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"totpctl/cmd/hint"
	"totpctl/totp"
)

// maxCode is how many bytes a line with a code may have.
const maxCode = 256

// readCode returns a code as people type it, tidied; "-" is a line of standard input.
func (p program) readCode(arg string) (code string, err error) {
	if code = arg; arg == "-" {
		if code, err = readLine(p.in); err != nil {
			return "", err
		}
	}
	if strings.TrimSpace(code) == "" {
		return "", hint.With(errors.New("reading the code: it is empty"), "give the code, or - and the code on standard input")
	}
	return totp.TidyCode(code), nil
}

// readLine reads a line of at most 256 bytes that a newline, a NUL or the end of
// r ends, and returns it without that end. It leaves what follows unread. An
// empty line is an error, as is a longer one.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := [1]byte{}; ; line = append(line, b[0]) {
		_, err := io.ReadFull(r, b[:])
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return "", fmt.Errorf("reading the code: %w", err)
		case err != nil, b[0] == '\n', b[0] == 0:
			return endOfLine(line)
		case len(line) == maxCode:
			return "", hint.With(fmt.Errorf("reading the code: line is longer than %d bytes", maxCode), "a code has 6 to 8 digits")
		}
	}
}

func endOfLine(line []byte) (string, error) {
	code := strings.TrimSuffix(string(line), "\r")
	if code == "" {
		return "", hint.With(errors.New("reading the code: line is empty"), "standard input must hold the code")
	}
	return code, nil
}
