package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"totpctl/totp"
)

// scratchDigits is how many digits an emergency code of google-authenticator has.
const scratchDigits = 8

// isLibpam recognises a secret of capitals on the first line and an option on another.
func isLibpam(data []byte) bool {
	first, rest, ok := bytes.Cut(data, []byte("\n"))
	first = bytes.TrimRight(first, "\r")
	return ok && len(first) > 0 && len(bytes.Trim(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")) == 0 &&
		(bytes.HasPrefix(rest, []byte(`" `)) || bytes.Contains(rest, []byte("\n\" ")))
}

// readLibpam reads the ~/.google_authenticator of a user, as FILEFORMAT of
// github.com/google/google-authenticator-libpam describes it. It holds one account, and
// no name.
func readLibpam(c *Contents, in input) error {
	lines := strings.Split(string(in.data), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" && !isScratch(last) {
		return fmt.Errorf("%w: it ends within line %d", ErrDamaged, len(lines))
	}
	r := record{place: "line 1", account: in.name, secret: lines[0]}
	for i, line := range lines[1:] {
		line = strings.TrimSpace(line)
		option, isOption := strings.CutPrefix(line, `" `)
		switch {
		case line == "":
		case isOption:
			r.libpamOption(option)
		case isScratch(line):
			r.recovery = append(r.recovery, line)
		default:
			c.leaveOut(fmt.Sprintf("line %d", i+2), "", errors.New("it is neither an option nor an emergency code"))
		}
	}
	if r.kind == "" {
		c.leaveOut(r.place, r.name(), errors.New("it has no option TOTP_AUTH, without which libpam takes no code"))
		return nil
	}
	c.add(r)
	return nil
}

func (r *record) libpamOption(option string) {
	name, value, _ := strings.Cut(option, " ")
	switch {
	case name == "HOTP_COUNTER": // which wins over TOTP_AUTH
		r.kind = "HOTP"
	case name == "TOTP_AUTH" && r.kind == "":
		r.kind = "totp"
	case name == "STEP_SIZE":
		r.period = value
	}
}

func isScratch(line string) bool {
	return len(line) == scratchDigits && totp.TidyCode(line) == line && strings.Trim(line, "0123456789") == ""
}
