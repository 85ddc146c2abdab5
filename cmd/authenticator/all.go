package authenticator

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// OnceAll writes the present code of each row, all of one moment, with a single Write:
// the shown name, a space and the code, or with asJSON the JSON object of the account
// with its stored name, or "default": true. It returns totp.ErrBeforeEpoch or the error of
// out, wrapped.
func OnceAll(rows []Row, clock func() time.Time, out io.Writer, asJSON bool) error {
	moment := clock()
	var lines strings.Builder
	display := Lines
	if asJSON {
		display = JSON
	}
	for _, r := range rows {
		c := Config{Entry: r.Entry, Name: r.Name, isDefault: r.Name == "", Clock: func() time.Time { return moment }, Display: display}
		now, err := c.read()
		if err != nil {
			return err
		}
		if asJSON {
			lines.WriteString(c.object(now))
		} else {
			fmt.Fprintf(&lines, "%s %s\n", r.Shown, now.code)
		}
	}
	return Config{Out: out}.write(lines.String())
}

// Now returns the present code of c and how long it lasts. It returns
// totp.ErrBeforeEpoch, wrapped.
func Now(c Config) (code string, lasts time.Duration, err error) {
	now, err := c.read()
	return now.code, c.left(now), err
}
