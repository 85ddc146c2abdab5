package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"totpctl/cmd/hint"
)

// settings are the configuration of one run: flag beats environment beats .env
// beats default.
type settings struct {
	command *cobra.Command
	file    string            // the .env that was read, "" for none
	values  map[string]string // of the .env
	only    bool              // the .env counts, and not the environment
}

// addFlags gives a command the flags of the named variables.
func addFlags(c *cobra.Command, names ...string) {
	for _, name := range names {
		v, _ := lookUp(name)
		c.Flags().String(v.flag, v.fallback, fmt.Sprintf("%s ($%s)", v.meaning, v.name))
	}
}

// addKeyFlags gives a command the flags of what makes a key beside the secret.
func addKeyFlags(c *cobra.Command) {
	addFlags(c, "TOTP_ISSUER", "TOTP_ACCOUNT", "TOTP_ALGORITHM", "TOTP_DIGITS", "TOTP_PERIOD")
}

// readSettings finds and reads the .env; it is no error that there is none.
func readSettings(c *cobra.Command) (settings, error) {
	s := settings{command: c}
	file, text, err := findEnv(c)
	if err != nil || file == "" {
		return s, err
	}
	s.file = file
	if s.values, err = parseEnv(file, text); err != nil {
		return s, err
	}
	for name := range s.values {
		if strings.HasPrefix(name, "TOTP") && !known(name) {
			return s, hint.With(fmt.Errorf("reading %s: unknown variable %s", file, name),
				"the README's table has all variables; remove the line if it is another program's")
		}
	}
	return s, nil
}

// known tells whether a variable is one, or the NAME_FILE of a secret.
func known(name string) bool {
	if _, ok := lookUp(name); ok {
		return true
	}
	base, ok := strings.CutSuffix(name, "_FILE")
	v, isOne := lookUp(base)
	return ok && isOne && v.secret()
}

// findEnv reads --env's file, else the .env of the working directory, else that
// of the user's configuration directory; file is "" where there is none.
func findEnv(c *cobra.Command) (file string, text []byte, err error) {
	if c.Flags().Changed("env") {
		return namedEnv(c)
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
			return "", nil, hint.With(fmt.Errorf("reading %s: %w", file, err), "make it yours alone (chown, chmod go-w), or name it with --env %s if you trust it", file)
		}
		file, err = filepath.Abs(file)
		return file, text, err
	}
	return "", nil, nil
}

func namedEnv(c *cobra.Command) (file string, text []byte, err error) {
	if file, err = c.Flags().GetString("env"); err != nil {
		return "", nil, err
	}
	if file == "" {
		return "", nil, hint.With(errors.New("reading --env: it is empty"), "name a file, or leave --env out")
	}
	text, err = os.ReadFile(file)
	if err == nil {
		return file, text, nil
	}
	way := "make it a file that this user may read, or name another with --env"
	if errors.Is(err, fs.ErrNotExist) {
		way = "run `totpctl init` to make one, or name another with --env"
	}
	return "", nil, hint.With(fmt.Errorf("reading configuration: %w", err), "%s", way)
}

// readOwn refuses a file that somebody else has put in the way: a command run by
// root in a user's folder must not ask that user's server. It checks the file
// that it reads, not the one that had the name a moment before.
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
	case othersMay(info, 0o022):
		return nil, errors.New("others may write to it")
	}
	return io.ReadAll(f)
}

// get returns the value of a variable and where it comes from: "the default", or
// "" if it has neither a value nor a default. A variable that is set but empty
// counts as set.
func (s settings) get(name string) (value, source string, err error) {
	v, _ := lookUp(name)
	if f := s.command.Flags().Lookup(v.flag); !v.secret() && f != nil && f.Changed {
		return f.Value.String(), "--" + v.flag, nil
	}
	origins := []origin{{os.LookupEnv, "the environment"}, {s.fromFile, s.file}}
	if s.only {
		origins = origins[1:]
	}
	for _, o := range origins {
		if value, source, err := o.get(v); source != "" || err != nil {
			return value, source, err
		}
	}
	if v.fallback == "" {
		return "", "", nil
	}
	return v.fallback, "the default of " + name, nil
}

// transportVariables are what net/http and crypto/x509 read of the environment.
func transportVariables() []string {
	return []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD", "SSL_CERT_FILE", "SSL_CERT_DIR"}
}

// alone takes the .env for all that is set. It also puts the transportVariables
// of the .env in the place of the environment's, as their readers can be told in
// no other way: they read once, at the first request.
func (s settings) alone() settings {
	s.only = true
	for _, name := range transportVariables() {
		value, set := s.values[name]
		if !set {
			os.Unsetenv(name)
			continue
		}
		if strings.HasPrefix(name, "SSL_CERT_") {
			value = besideAll(filepath.Dir(s.file), value)
		}
		os.Setenv(name, value)
	}
	return s
}

// besideAll takes the relative ones of a list of paths to be in dir.
func besideAll(dir, list string) string {
	all := filepath.SplitList(list)
	for i, path := range all {
		if !filepath.IsAbs(path) {
			all[i] = filepath.Join(dir, path)
		}
	}
	return strings.Join(all, string(filepath.ListSeparator))
}

func (s settings) fromFile(name string) (string, bool) {
	value, ok := s.values[name]
	return value, ok
}

// An origin is where variables are set.
type origin struct {
	lookUp func(string) (string, bool)
	name   string // for errors; of a .env, its path
}

// get looks for NAME and, where it is a secret, for NAME_FILE: the file that holds
// the value, relative to the .env. source tells which of them is set, "" if neither
// is. Errors do not quote what NAME_FILE is: it may be the secret, put there by
// mistake.
func (o origin) get(v variable) (value, source string, err error) {
	value, set := o.lookUp(v.name)
	file, inFile := o.lookUp(v.name + "_FILE")
	switch {
	case v.secret() && inFile && set:
		return "", "", hint.With(fmt.Errorf("%s and %s_FILE are both set in %s", v.name, v.name, o.name), "keep one of the two")
	case v.secret() && inFile:
		source = v.name + "_FILE in " + o.name
		value, err = readSecretFile(filepath.Dir(o.name), file)
		return value, source, wrong(source, err, v.name+"_FILE is the path of a file; the value itself belongs into "+v.name)
	case set:
		return value, v.name + " in " + o.name, nil
	}
	return "", "", nil
}

const maxSecretFile = 64 << 10

func readSecretFile(dir, file string) (string, error) {
	if file == "" {
		return "", errors.New("file name is empty")
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err == nil && len(text) > maxSecretFile {
		err = fmt.Errorf("it is longer than %d bytes", maxSecretFile)
	}
	return strings.TrimRight(string(text), "\r\n"), withoutPath(err)
}

func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
