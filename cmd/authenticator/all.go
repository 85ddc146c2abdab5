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
	for _, r := range rows {
		c := Config{Entry: r.Entry, Name: r.Name, Clock: func() time.Time { return moment }}
		now, err := c.read()
		if err != nil {
			return err
		}
		switch {
		case !asJSON:
			fmt.Fprintf(&lines, "%s %s\n", r.Shown, now.code)
		case r.Name == "":
			lines.WriteString(asDefault(c.object(now)))
		default:
			lines.WriteString(c.object(now))
		}
	}
	return Config{Out: out}.write(lines.String())
}

// asDefault adds a member to a JSON object.
func asDefault(object string) string {
	return strings.TrimSuffix(object, "}\n") + ",\"default\":true}\n"
}

// Now returns the present code of c and how long it lasts. It returns
// totp.ErrBeforeEpoch, wrapped.
func Now(c Config) (code string, lasts time.Duration, err error) {
	now, err := c.read()
	return now.code, c.Entry.Key.Start(now.step + 1).Sub(now.at), err
}
