package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/pflag"

	"totpctl/cmd/hint"
)

// findEnv reads --env's file, else the .env of the working directory, else that
// of the user's configuration directory; file is "" where there is none.
func findEnv(flags *pflag.FlagSet) (file string, text []byte, err error) {
	if flags.Changed("env") {
		return namedEnv(flags)
	}
	candidates := []string{".env"}
	if dir, err := os.UserConfigDir(); err == nil { // else neither XDG_CONFIG_HOME nor HOME is set
		candidates = append(candidates, filepath.Join(dir, "totpctl", ".env"))
	}
	for _, file := range candidates {
		text, err := readOwn(file)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if err != nil {
			return "", nil, hint.With(fmt.Errorf("reading %s: %w", file, err), "run this as its owner (`runuser -u OWNER`), name it with --env %s if you trust it, or make it yours alone (chown, chmod go-w)", file)
		}
		file, err = filepath.Abs(file)
		return file, text, err
	}
	return "", nil, nil
}

func namedEnv(flags *pflag.FlagSet) (file string, text []byte, err error) {
	if file, err = flags.GetString("env"); err != nil {
		return "", nil, err
	}
	if file == "" {
		return "", nil, hint.With(errors.New("reading --env: it is empty"), "name a file, or leave --env out")
	}
	text, err = readNow(file, maxEnvFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil, hint.With(fmt.Errorf("reading configuration: %w", err), "run `totpctl init --env %s` to make it, or name another with --env", file)
	case err != nil:
		return "", nil, hint.With(fmt.Errorf("reading configuration: %w", err), "make it a file that this user may read, or name another with --env")
	}
	return file, text, nil
}

const maxEnvFile = 1 << 20

// readNow reads a file or a pipe of at most limit bytes. It does not wait for somebody
// to open a FIFO: check would hang despite its --timeout.
func readNow(file string, limit int) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err == nil && len(text) > limit {
		err = &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("it is longer than %d bytes", limit)}
	}
	if info, errStat := f.Stat(); err == nil && errStat == nil && len(text) == 0 && info.Mode()&fs.ModeNamedPipe != 0 {
		err = &fs.PathError{Op: "read", Path: file, Err: errors.New("nobody writes to this pipe")}
	}
	return text, err
}

// folderOf returns the folder of a .env, or the working directory where the .env is a
// device or a pipe: /dev is no place for a database.
func folderOf(file string) string {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return "."
	}
	return filepath.Dir(file)
}

// readOwn refuses a file that somebody else has put in the way: a command run by
// root in a user's folder must not ask that user's server. It checks the file that
// it has opened, because the path may lead to another one a moment later.
func readOwn(path string) ([]byte, error) {
	link, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	flags := os.O_RDONLY | syscall.O_NONBLOCK // a FIFO would block
	if link.Mode()&fs.ModeSymlink == 0 {
		flags |= noFollow
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !ownedByUser(link) || !ownedByUser(info):
		return nil, errors.New("it belongs to another user")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case OthersMay(info, 0o022):
		return nil, errors.New("others may write to it")
	}
	return io.ReadAll(f)
}

// refuseUnknown returns an error if the .env sets a variable whose name can only be
// meant for totpctl, and that totpctl does not have.
func (s *Settings) refuseUnknown() error {
	for name := range s.values {
		if ours(name) && !known(name) {
			return hint.With(fmt.Errorf("reading %s: unknown variable %s", s.file, name),
				"`totpctl manual configuration` has all variables; remove the line if it is another program's")
		}
	}
	return nil
}

// Warnings returns a warning for each name in the .env that seems to be a slip for a
// variable, and for each variable that is there twice. Neither is an error, because
// other programs may read the file, too.
func (s *Settings) Warnings() (warnings []string) {
	for name := range s.values {
		if meant := s.meant(name); meant != "" {
			warnings = append(warnings, fmt.Sprintf("%s in %s is not a variable of totpctl: is %s meant?", name, s.file, meant))
		}
	}
	slices.Sort(warnings)
	if text := s.values[EncryptionKey.Name]; isSealed(text) && !isAllSealed(text) {
		warnings = append(warnings, fmt.Sprintf("%s in %s has a sealed item and an open one: whoever has put the open one first can open what is sealed from now on; `totpctl passphrase` seals both", EncryptionKey.Name, s.file))
	}
	return append(warnings, s.repeated...)
}
