// Package hint has the errors of the command line: each names its way out.
//
// The voice of totpctl's errors, for whoever writes one:
//
//   - An error is one line in lower case without a full stop: what was being done
//     as gerund and object, then a colon, then what is wrong, then what was wanted:
//     `reading TOTP_PERIOD in .env: period is "0": want 1 to 86400 seconds`.
//   - It names the variable, flag, file or account as the user spells it, and where
//     the value comes from. It quotes a bad value with %q, but never a secret,
//     a bearer, a code, a password or a whole URL.
//   - The hint is a line of its own, and the one place for advice. It says what to
//     type or to change, with commands in `backquotes`. It never repeats the error.
//   - Both speak to somebody who has not read the documentation. They blame nobody,
//     have no exclamation mark, and use the words of `totpctl --help`.
//   - What works, but should be known, is a warning: the same voice, no exit code.
package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

func (h hinted) Hint() string { return h.hint }

// With returns err with a hint: what the user can do about it.
func With(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}

// Of returns what the Hint method of err returns or, if err has none, that of the outermost
// error that it wraps. Without any, Of returns "".
func Of(err error) string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}

// OneLine joins the lines of a text, such as those of pgx's errors.
func OneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\t' }), " ")
}

// WithoutPath returns what an error says of a file without the file's name. A name may be a
// secret that was put there by mistake, or stands in the message already.
func WithoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
