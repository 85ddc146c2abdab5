// Package config reads totpctl's configuration: a flag beats the environment, which
// beats the .env, which beats the default. A variable that is set but empty counts
// as set.
package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"totpctl/cmd/hint"
)

// Settings are the configuration of one run. Reads never fail one by one: after a
// first error, which Err returns, they return zero values.
type Settings struct {
	flags    *pflag.FlagSet
	file     string            // the .env that was read, "" for none
	dir      string            // where the .env's relative paths begin
	values   map[string]string // of the .env
	text     []byte            // of the .env
	repeated []string          // warnings
	alone    bool              // the environment does not count
	err      error

	ask        func(PassphraseSource) (string, error) // nil: never
	passphrase string                                 // "" before the first sealed value is taken
	opened     map[string]string                      // texts of sealable variables that were taken
}

// New returns settings of flags and environment, without a .env.
func New(flags *pflag.FlagSet) *Settings { return &Settings{flags: flags} }

// FlagsAlone returns settings of flags and defaults: neither a .env nor the environment
// counts.
func FlagsAlone(flags *pflag.FlagSet) *Settings { return &Settings{flags: flags, alone: true} }

// Read returns the settings with the .env that --env names, else that of the working
// directory, else that of the user's configuration directory. None need exist but
// --env's. The error is also that of Err.
func Read(flags *pflag.FlagSet) (*Settings, error) {
	s := New(flags)
	s.err = s.readEnv()
	return s, s.err
}

func (s *Settings) readEnv() error {
	file, text, err := findEnv(s.flags)
	if err != nil || file == "" {
		return err
	}
	s.file, s.dir, s.text = file, folderOf(file), text
	if s.values, s.repeated, err = parseEnv(file, text); err != nil {
		return err
	}
	return s.refuseUnknown()
}

// Reread returns the settings as they are now. They never ask for a passphrase: what is
// sealed now has the value that it had in s.
func (s *Settings) Reread() (*Settings, error) {
	fresh, err := Read(s.flags)
	if err == nil {
		fresh.opened = maps.Clone(s.opened)
	}
	return fresh, err
}

// File returns the .env that was read, "" for none.
func (s *Settings) File() string { return s.file }

// Err returns the first error of all reads.
func (s *Settings) Err() error { return s.err }

// fail makes err the settings' error unless there is one.
func (s *Settings) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Take reads a variable. It returns the zero value for one that is neither set nor
// has a default, which is an error if v has a Missing hint.
func Take[T any](s *Settings, v Variable[T]) (value T) {
	if s.err != nil {
		return value
	}
	text, source, err := s.get(v.Info)
	switch {
	case err != nil:
		s.fail(err)
	case source != "" || v.Default != "":
		text, err := s.plain(v.Info, text, source)
		if err != nil {
			s.fail(err)
			return value
		}
		parsed, err := v.Parse(text)
		if err == nil {
			return parsed
		}
		s.fail(readError(source, err, s.hintAt(v.Info, text)))
	case v.Missing != "":
		s.fail(hint.With(s.notSet(v.Name), "%s", s.hintAt(v.Info, "")))
	}
	return value
}

// hintAt returns what to do about a bad text of v. An empty one is as good as none: the
// lines of .env.example are to be filled in.
func (s *Settings) hintAt(v Info, text string) string {
	switch {
	case text != "" || v.Missing == "":
		return v.Hint
	case s.file != "":
		return v.Lacking
	}
	return v.Missing
}

// readError wraps err with the variable's source and hint; it returns nil for nil.
func readError(source string, err error, way string) error {
	if err == nil {
		return nil
	}
	return hint.With(fmt.Errorf("reading %s: %w", source, err), "%s", way)
}

func (s *Settings) notSet(name string) error {
	_, ignored := os.LookupEnv(name)
	switch {
	case s.alone && ignored:
		return fmt.Errorf("%s is not set in %s, and with --env the environment does not count", name, s.file)
	case s.alone:
		return fmt.Errorf("%s is not set in %s", name, s.file)
	case s.file == "":
		return fmt.Errorf("%s is not set, and there is no .env here", name)
	}
	return fmt.Errorf("%s is not set, nor in %s", name, s.file)
}

// Source returns what errors call the place that v is read from, such as
// "BEARER in /srv/.env"; "" for a variable that is not set.
func (s *Settings) Source(v Info) string {
	_, source, _ := s.get(v)
	return source
}

// get returns the text of a variable and its source, which is "" for the default.
func (s *Settings) get(v Info) (text, source string, err error) {
	if f := s.flags.Lookup(v.Flag); f != nil && f.Changed {
		return f.Value.String(), "--" + v.Flag, nil
	}
	for _, o := range s.origins() {
		if text, source, err := o.get(v); source != "" || err != nil {
			return text, source, err
		}
	}
	return v.Default, "", nil
}

// An origin is where variables are set.
type origin struct {
	name   string // for errors; of a .env, its path
	dir    string // where the relative paths of NAME_FILE begin
	lookUp func(string) (string, bool)
}

// origins returns the environment and the .env, the stronger one first.
func (s *Settings) origins() []origin {
	file := origin{s.file, s.dir, func(name string) (string, bool) {
		text, set := s.values[name]
		return text, set
	}}
	if s.alone {
		return []origin{file}
	}
	return []origin{{"the environment", ".", os.LookupEnv}, file}
}

// get looks for NAME and, where it is a secret, for NAME_FILE, whose file holds the
// value. source is "" if neither is set. Errors do not quote NAME_FILE's value: it
// may be the secret, put there by mistake.
func (o origin) get(v Info) (text, source string, err error) {
	text, set := o.lookUp(v.Name)
	file, inFile := o.secretFile(v)
	switch {
	case inFile && set:
		return "", o.name, hint.With(fmt.Errorf("%s and %s_FILE are both set in %s", v.Name, v.Name, o.name), "keep one of the two")
	case inFile:
		source = o.fileSource(v)
		text, err = ReadSecretFile(file)
		return text, source, readError(source, err, v.Name+"_FILE is the path of a file; the value itself belongs into "+v.Name)
	case set:
		return text, v.Name + " in " + o.name, nil
	}
	return "", "", nil
}

// secretFile returns the path in NAME_FILE; set reports whether v is a secret and
// NAME_FILE is set.
func (o origin) secretFile(v Info) (path string, set bool) {
	path, set = o.lookUp(v.Name + "_FILE")
	if path != "" && !filepath.IsAbs(path) {
		path = filepath.Join(o.dir, path)
	}
	return path, set && v.Secret()
}

func (o origin) fileSource(v Info) string { return v.Name + "_FILE in " + o.name }

const maxSecretFile = 64 << 10

// ReadSecretFile returns the text of a file or a pipe of at most 64 KiB, without the line
// ends behind it. A pipe that nobody writes to is an error. The errors do not quote the
// file's name, which may be the secret, put there by mistake.
func ReadSecretFile(file string) (string, error) {
	if file == "" {
		return "", errors.New("file name is empty")
	}
	text, err := readNow(file, maxSecretFile)
	return strings.TrimRight(string(text), "\r\n"), hint.WithoutPath(err)
}

// SecretFiles returns the .env, and the files of secrets and of the passphrase.
func (s *Settings) SecretFiles() (files []string) {
	if s.file != "" {
		files = append(files, s.file)
	}
	for _, v := range All() {
		for _, o := range s.origins() {
			if file, set := o.secretFile(v); set && s.Source(v) == o.fileSource(v) {
				files = append(files, file)
			}
		}
	}
	if p, err := s.passphraseSource(); err == nil && p.File != "" {
		files = append(files, p.File)
	}
	return files
}

// A Value is the text of a variable, "" if it has none.
type Value struct{ Name, Text string }

// Values returns all variables, in the order of All, but the given ones.
func (s *Settings) Values(but ...Named) (all []Value, err error) {
	for _, v := range All() {
		if isOneOf(v, but) {
			continue
		}
		text, _, err := s.get(v)
		if err != nil {
			return nil, err
		}
		all = append(all, Value{v.Name, text})
	}
	return all, nil
}
