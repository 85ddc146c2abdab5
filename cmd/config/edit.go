package config

import (
	"fmt"
	"strings"

	"totpctl/cmd/hint"
)

// Text returns the .env as it was read.
func (s *Settings) Text() []byte { return s.text }

// SealableValues reads the values that a passphrase may seal, in the order of All, and opens
// them. sealed reports whether one was sealed. It is an error if the .env sets none of
// them, or if one comes from elsewhere or is in several lines.
func (s *Settings) SealableValues() (values []Value, sealed bool, err error) {
	for _, v := range All() {
		text, source, err := s.get(v)
		switch {
		case err != nil:
			return nil, false, err
		case source == "" || !v.Sealable:
			continue
		case source != v.Name+" in "+s.file:
			return nil, false, hint.With(fmt.Errorf("changing %s: its value comes from %s", v.Name, source), "write the value itself into %s, and set it nowhere else", s.file)
		}
		if _, err := s.onlyPlace(string(s.text), v.Name); err != nil {
			return nil, false, err
		}
		plain, err := s.plain(v, text, source)
		if err != nil {
			return nil, false, err
		}
		values, sealed = append(values, Value{v.Name, plain}), sealed || isSealed(text)
	}
	takeSet(s, Secret)
	takeSet(s, EncryptionKey)
	if len(values) == 0 {
		s.fail(hint.With(fmt.Errorf("reading %s: it sets neither %s nor %s", s.file, Secret.Name, EncryptionKey.Name), "nothing in it needs a passphrase"))
	}
	return values, sealed, s.err
}

// takeSet takes a variable that is set, for its error.
func takeSet[T any](s *Settings, v Variable[T]) {
	if s.Source(v.Info) != "" {
		Take(s, v)
	}
}

// With returns the text of the .env with other values of its variables, each in one line.
// All other bytes are as they were. A variable that has several lines is an error: the
// lines that do not count would keep their values.
func (s *Settings) With(values []Value) ([]byte, error) {
	raw := string(s.text)
	for _, v := range values {
		at, err := s.onlyPlace(raw, v.Name)
		if err != nil {
			return nil, err
		}
		line := strings.TrimSuffix(strings.TrimPrefix(Line(v.Name, v.Text), v.Name+"="), "\n")
		raw = raw[:at.from] + line + raw[at.to:]
	}
	return []byte(raw), nil
}

func (s *Settings) onlyPlace(raw, name string) (place, error) {
	all := places(raw, name)
	if len(all) != 1 {
		return place{}, hint.With(fmt.Errorf("writing %s: %s is in %d lines", s.file, name, len(all)), "keep the last of them, which counts")
	}
	return all[0], nil
}

// A place is that of a value with its quotes, in bytes.
type place struct{ from, to int }

// places returns where a .env that parses sets a variable.
func places(raw, name string) (all []place) {
	text := plainText(raw)
	for at := 0; at < len(text); {
		m := statement().FindStringSubmatchIndex(text[at:])
		if m == nil {
			return all
		}
		if m[2] >= 0 && text[at+m[2]:at+m[3]] == name {
			from, to := valueOf(text[at:], m)
			all = append(all, place{rawOffset(raw, at+from), rawOffset(raw, at+to)})
		}
		at += m[1]
	}
	return all
}

// valueOf returns where the value of a statement is, with its quotes.
func valueOf(text string, m []int) (from, to int) {
	for _, quoted := range []int{4, 6} { // in single and in double quotes
		if m[quoted] >= 0 {
			return m[quoted] - 1, m[quoted+1] + 1
		}
	}
	if m[8] >= 0 {
		return m[8], m[8] + len(trimComment(text[m[8]:m[9]]))
	}
	end := m[3] + strings.Index(text[m[3]:], "=") + 1
	return end, end
}

const byteOrderMark = "\ufeff"

// plainText returns a .env without a byte order mark and with LF as the end of lines.
func plainText(raw string) string {
	return strings.ReplaceAll(strings.TrimPrefix(raw, byteOrderMark), "\r\n", "\n")
}

// rawOffset returns where in a .env the byte is that has the offset n in plainText.
func rawOffset(raw string, n int) int {
	at := len(raw) - len(strings.TrimPrefix(raw, byteOrderMark))
	for ; n > 0; n-- {
		if strings.HasPrefix(raw[at:], "\r\n") {
			at++
		}
		at++
	}
	return at
}
