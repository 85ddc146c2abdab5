package authenticator

import (
	"slices"
	"strings"
	"testing"
)

// read returns the keys of chunks of input. After each chunk that is "…" the rest of a
// sequence is late.
func read(chunks ...string) (keys []key) {
	var pending []byte
	for _, chunk := range chunks {
		late := chunk == "…"
		if !late {
			pending = append(pending, chunk...)
		}
		for len(pending) > 0 {
			k, size := nextKey(pending, late)
			if size == 0 {
				break
			}
			keys, pending = append(keys, k), pending[size:]
		}
	}
	return keys
}

func TestKeysAreReadHoweverTheirSequencesAreSplit(t *testing.T) {
	for _, test := range []struct {
		input string
		want  []key
	}{
		{"a", []key{'a'}},
		{"é界", []key{'é', '界'}},
		{"\r\n", []key{keyEnter, keyEnter}},
		{"\x7f\b", []key{keyBackspace, keyBackspace}},
		{"\x03\x04\x1a\x0c\x15\x10\x0e", []key{keyInterrupt, keyInterrupt, keySuspend, keyRedraw, keyClear, keyUp, keyDown}},
		{"\x1b[A\x1b[B\x1bOA\x1bOB", []key{keyUp, keyDown, keyUp, keyDown}},
		{"\x1b[1;5A", []key{keyUp}},
		{"\x1b[H\x1b[F\x1bOH\x1bOF", []key{keyHome, keyEnd, keyHome, keyEnd}},
		{"\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[7~\x1b[8~", []key{keyHome, keyEnd, keyPageUp, keyPageDown, keyHome, keyEnd}},
		{"\x1b[C\x1b[3~\x1b[<0;1;1M", []key{keyNone, keyNone, keyNone}},
		{"\x1bq", []key{keyNone}},
		{"\x1b\x1b[A", []key{keyEscape, keyUp}},
		{"\x1b[\rq", []key{keyNone, keyEnter, 'q'}},
		{"\x1b[" + strings.Repeat("1;", 40), []key{keyNone}},
		{"\xff\x00\u0085\u200b", []key{keyNone, keyNone, keyNone, keyNone}},
	} {
		if got := read(test.input); !slices.Equal(got, test.want) {
			t.Errorf("%q is read as %v, want %v", test.input, got, test.want)
		}
		if len(test.input) > maxSequence {
			continue
		}
		if got := read(strings.Split(test.input, "")...); !slices.Equal(got, test.want) {
			t.Errorf("%q in pieces is read as %v, want %v", test.input, got, test.want)
		}
		var bytes []string
		for i := range len(test.input) {
			bytes = append(bytes, test.input[i:i+1])
		}
		if got := read(bytes...); !slices.Equal(got, test.want) {
			t.Errorf("%q in bytes is read as %v, want %v", test.input, got, test.want)
		}
	}
}

func TestEscapeIsAKeyOnceNothingFollows(t *testing.T) {
	for _, test := range []struct {
		chunks []string
		want   []key
	}{
		{[]string{"\x1b"}, nil},
		{[]string{"\x1b", "…"}, []key{keyEscape}},
		{[]string{"\x1b", "…", "[A"}, []key{keyEscape, '[', 'A'}},
		{[]string{"\x1b", "[", "…", "q"}, []key{keyNone, 'q'}},
		{[]string{"\xc3", "…", "q"}, []key{keyNone, 'q'}},
		{[]string{"\x1b", "\x1b", "…"}, []key{keyEscape, keyEscape}},
	} {
		if got := read(test.chunks...); !slices.Equal(got, test.want) {
			t.Errorf("%q is read as %v, want %v", test.chunks, got, test.want)
		}
	}
}

func FuzzKeysEndWhateverIsTyped(f *testing.F) {
	f.Add([]byte("\x1b[1;5A\x1bOq\xff"))
	f.Fuzz(func(t *testing.T, input []byte) {
		for len(input) > 0 {
			k, size := nextKey(input, true)
			if size < 1 || size > len(input) || k < keyRedraw {
				t.Fatalf("%q: key %d of %d bytes", input, k, size)
			}
			input = input[size:]
		}
	})
}
