package client

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"totpctl/totp"
)

// maxCode is how many bytes ReadCode reads at most.
const maxCode = 256

// TidyCode returns the digits of a code as people type and paste it: with white
// space around it, in groups parted by white space or dashes. Anything else it
// returns as it is.
func TidyCode(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	if trimmed := strings.TrimSpace(s); !isDigits(digits) || trimmed[0] == '-' || trimmed[len(trimmed)-1] == '-' {
		return s
	}
	return digits
}

// recoveryLength is the characters of a recovery code, in base32.
const recoveryLength = 26

// TidyRecovery returns a recovery code as people type and paste it, in either
// case and in groups parted by white space or dashes, in upper case. ok tells
// whether s is one.
func TidyRecovery(s string) (code string, ok bool) {
	code = strings.Map(func(r rune) rune {
		switch {
		case r == '-' || unicode.IsSpace(r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
	return code, isRecoveryCode(code)
}

func isRecoveryCode(s string) bool {
	return len(s) == recoveryLength && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// isCode tells whether s may be a code: 6 to 8 digits.
func isCode(s string) bool {
	return len(s) >= totp.MinDigits && len(s) <= totp.MaxDigits && isDigits(s)
}

// isDigits tells whether s is one or more ASCII digits.
func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// ReadCode reads a line of at most 256 bytes that a newline, a NUL or the end of
// r ends, and returns it without that end. It leaves what follows unread. An
// empty line is an error, as is a longer one.
func ReadCode(r io.Reader) (string, error) {
	var line []byte
	for b := [1]byte{}; ; line = append(line, b[0]) {
		_, err := io.ReadFull(r, b[:])
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return "", fmt.Errorf("reading the code: %w", err)
		case err != nil, b[0] == '\n', b[0] == 0:
			return endOfLine(line)
		case len(line) == maxCode:
			return "", failure{fmt.Sprintf("reading the code: line is longer than %d bytes", maxCode), "a code has 6 to 8 digits"}
		}
	}
}

func endOfLine(line []byte) (string, error) {
	code := strings.TrimSuffix(string(line), "\r")
	if code == "" {
		return "", failure{"reading the code: line is empty", "standard input must hold the code"}
	}
	return code, nil
}
