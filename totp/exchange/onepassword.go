package exchange

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// A onePasswordItem is an item in the export of 1Password
// (https://support.1password.com/1pux-format/).
type onePasswordItem struct {
	onePasswordContent
	// Item is the content in the first version of the format.
	Item *onePasswordContent `json:"item"`
}

type onePasswordContent struct {
	State    scalar `json:"state"`
	Trashed  bool   `json:"trashed"`
	Overview struct {
		Title scalar `json:"title"`
	} `json:"overview"`
	Details struct {
		Login    []onePasswordLogin `json:"loginFields"`
		Sections []struct {
			Fields []onePasswordField `json:"fields"`
		} `json:"sections"`
	} `json:"details"`
}

// A onePasswordLogin is a field of the item's form.
type onePasswordLogin struct {
	Value       scalar `json:"value"`
	Designation scalar `json:"designation"`
}

// A onePasswordField has a value of one of many kinds, as an object with the kind for its
// key.
type onePasswordField struct {
	Value json.RawMessage `json:"value"`
}

const (
	onePasswordData = "export.data"

	// maxOnePasswordData is far beyond a vault of 10,000 items, and what a file of 64 KiB
	// can be unpacked to.
	maxOnePasswordData = 64 << 20
)

// errTooLarge is for a compressed file that takes much memory.
var errTooLarge = errors.New("it has more than " + strconv.Itoa(maxOnePasswordData>>20) + " MiB when it is unpacked")

// is1Password looks for the name in all of the file, so that it also finds it in a file that
// is cut off.
func is1Password(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK\x03\x04")) && bytes.Contains(data, []byte(onePasswordData))
}

func read1Password(c *Contents, in input) error {
	archive, err := zip.NewReader(bytes.NewReader(in.data), int64(len(in.data)))
	if err != nil {
		return fmt.Errorf("%w: it is no whole zip archive", ErrDamaged)
	}
	file, err := archive.Open(onePasswordData)
	if err != nil {
		return fmt.Errorf("%w: it has no %s", ErrDamaged, onePasswordData)
	}
	defer file.Close()
	err = eachJSON(c, &limitedReader{file, maxOnePasswordData}, "accounts/*/vaults/*/items/*", "item", c.add1Password)
	if err != nil && !errors.Is(err, errTooLarge) && !errors.Is(err, errTooMany) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: it cannot be unpacked", ErrDamaged)
	}
	return err
}

func (c *Contents) add1Password(place string, i onePasswordItem) {
	item := i.onePasswordContent
	if i.Item != nil {
		item = *i.Item
	}
	title, user := item.Overview.Title.String(), item.user()
	var notes []string
	if item.State == "archived" {
		notes = []string{"it is archived in 1Password"}
	}
	for _, otp := range item.otps() {
		if item.Trashed || item.State == "trashed" {
			c.leaveOut(place, joinNames(title, user), errBin)
			continue
		}
		c.addOTP(place, otp, title, user, notes...)
	}
}

func (i onePasswordContent) user() string {
	for _, field := range i.Details.Login {
		if field.Designation == "username" {
			return field.Value.String()
		}
	}
	return ""
}

// otps returns what the fields for one-time passwords hold.
func (i onePasswordContent) otps() (all []string) {
	for _, field := range i.Details.Login {
		if isURI(field.Value.String()) {
			all = append(all, field.Value.String())
		}
	}
	for _, section := range i.Details.Sections {
		for _, field := range section.Fields {
			var value struct {
				TOTP scalar `json:"totp"`
			}
			if json.Unmarshal(field.Value, &value) == nil && value.TOTP != "" {
				all = append(all, value.TOTP.String())
			}
		}
	}
	return all
}

// A limitedReader fails with errTooLarge where an io.LimitedReader just ends. It fills the
// buffers that it gets, because json.Decoder looks at white space again after each read.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := io.ReadFull(l.r, p[:min(len(p), l.left)])
	l.left -= n
	if n > 0 {
		err = nil // the next call has it again
	}
	return n, err
}
