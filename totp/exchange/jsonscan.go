package exchange

import (
	"bytes"
	"slices"
)

// hasMembers reports whether data begins like a JSON object that has all the named members.
// Of a file that is cut off it knows what comes before the cut. It decodes nothing, because
// each format asks it about each file.
func hasMembers(data []byte, names ...string) bool {
	s := jsonScanner{trimBOM(data)}
	if !s.take('{') {
		return false
	}
	missing := slices.Clone(names)
	for len(missing) > 0 {
		name, ok := s.text()
		if !ok || !s.take(':') {
			return false
		}
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == string(name) })
		if s.skip(); !s.take(',') {
			break
		}
	}
	return len(missing) == 0
}

// firstHasMembers reports whether data begins like a JSON array whose first element is an
// object with all the named members.
func firstHasMembers(data []byte, names ...string) bool {
	s := jsonScanner{trimBOM(data)}
	return s.take('[') && hasMembers(s.rest, names...)
}

const jsonSpace = " \t\r\n"

// A jsonScanner finds where the parts of a JSON document end. It does not check them.
type jsonScanner struct{ rest []byte }

// take passes a character and the space around it.
func (s *jsonScanner) take(c byte) bool {
	s.rest = bytes.TrimLeft(s.rest, jsonSpace)
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = bytes.TrimLeft(s.rest[1:], jsonSpace)
	return true
}

// text returns a string as it is written, with its escapes.
func (s *jsonScanner) text() (text []byte, ok bool) {
	if len(s.rest) == 0 || s.rest[0] != '"' {
		return nil, false
	}
	for i := 1; i < len(s.rest); i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			text, s.rest = s.rest[1:i], s.rest[i+1:]
			return text, true
		}
	}
	s.rest = nil
	return nil, false
}

// skip passes a value, up to the comma or bracket after it.
func (s *jsonScanner) skip() {
	depth := 0
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case '"':
			s.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return
			}
		case ',':
			if depth == 0 {
				return
			}
		}
		s.rest = s.rest[1:]
	}
}
