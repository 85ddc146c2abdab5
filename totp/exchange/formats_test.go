package exchange

import (
	"errors"
	"testing"
)

func TestAFileThatNoFormatRecognisesIsToldApart(t *testing.T) {
	for file, want := range map[string]error{
		"":                 ErrEmpty,
		"\ufeff \r\n":      ErrEmpty,
		"milk, bread\n":    ErrUnknown,
		"\x03\xd9\xa2\x9a": ErrUnknown,
		"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x00\x00\x04\x00": ErrKDBX,
	} {
		if _, err := Read([]byte(file), Options{}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", file, err, want)
		}
	}
}
