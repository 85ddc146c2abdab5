package cmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"totpctl/cmd/hint"
	"totpctl/cmd/manual"
)

// writeManPages writes the man pages of all commands and topics below dir.
func (p program) writeManPages(dir string, args []string) error {
	switch {
	case len(args) > 0:
		return hint.With(errors.New("writing man pages: --man is for all topics"), "leave %q out", args[0])
	case dir == "":
		return hint.With(errors.New("writing man pages: --man is empty"), "name a folder, such as /usr/local/share/man")
	}
	date, err := p.buildDate()
	if err != nil {
		return err
	}
	for _, page := range manual.ManPages(p.root(nil), manual.Header{Version: release, Date: date}) {
		file := filepath.Join(dir, fmt.Sprint("man", page.Section), fmt.Sprintf("%s.%d", page.Name, page.Section))
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil {
			err = os.WriteFile(file, []byte(page.Text), 0o644)
		}
		if err != nil {
			return hint.With(fmt.Errorf("writing man pages: %w", err), "--man takes a folder that you may write to")
		}
	}
	return nil
}

// buildDate returns the date of SOURCE_DATE_EPOCH, by which whoever packages totpctl gets the
// same files again, else today's.
func (p program) buildDate() (time.Time, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return p.clock(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, hint.With(fmt.Errorf("reading SOURCE_DATE_EPOCH: it is %q", epoch), "set it to Unix seconds, or unset it")
	}
	return time.Unix(seconds, 0).UTC(), nil
}
