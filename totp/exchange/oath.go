package exchange

import (
	"errors"
	"fmt"
	"strings"
)

// isOATH recognises a list whose first line that is neither empty nor a comment has a type
// of token, a user, a PIN and a key.
func isOATH(data []byte) bool {
	for line := range strings.SplitSeq(string(trimBOM(data)), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		kind, _, _ := strings.Cut(fields[0], "/")
		return len(fields) >= 4 && (kind == "HOTP" || kind == "MOTP")
	}
	return false
}

// readOATH reads the users.oath of oath-toolkit's pam_oath, which is the UsersFile of
// mod_authn_otp (https://github.com/archiecobbs/mod-authn-otp/wiki/UsersFile).
func readOATH(c *Contents, in input) error {
	lines := strings.Split(string(trimBOM(in.data)), "\n")
	for i, line := range lines {
		if c.tooMany {
			return errTooMany
		}
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		place, user := fmt.Sprintf("line %d", i+1), strings.Join(fields[1:min(2, len(fields))], "")
		switch {
		case i == len(lines)-1:
			c.leaveOut(place, user, errors.New("the file ends without a line break after it: its secret may be cut off"))
		case len(fields) < 4:
			c.leaveOut(place, user, fmt.Errorf("it has %d fields: want a type, a user, a PIN and a secret", len(fields)))
		default:
			c.addOATH(place, fields)
		}
	}
	return nil
}

func (c *Contents) addOATH(place string, fields []string) {
	r := record{place: place, account: fields[1]}
	r.oathType(fields[0])
	if err := r.decodeSecret(fields[3], "hex"); err != nil {
		c.leaveOut(place, r.name(), err)
		return
	}
	if pin := fields[2]; pin != "-" && pin != "+" {
		r.note("its PIN, which came before the code, is not taken")
	}
	if len(fields) > 4 {
		r.note("the counter and the last code that are noted beside it are not taken")
	}
	c.add(r)
}

// oathType reads a type such as HOTP (of events), HOTP/E/8, HOTP/T30 (TOTP) or HOTP/T60/8.
func (r *record) oathType(text string) {
	parts := strings.Split(text, "/")
	r.kind = text
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "HOTP" || !strings.HasPrefix(parts[1], "T") {
		return
	}
	r.kind, r.period = "totp", parts[1][1:]
	if len(parts) == 3 {
		r.digits = parts[2]
	}
}
