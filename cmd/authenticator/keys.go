package authenticator

import (
	"bytes"
	"cmp"
	"unicode"
	"unicode/utf8"
)

// A key is a character that was typed, or one of the keys below.
type key rune

const (
	keyNone key = -1 - iota // a key without a meaning here
	keyUp
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
	keyEnter
	keyEscape
	keyBackspace
	keyClear
	keyInterrupt
	keySuspend
	keyRedraw
)

const escape = 0x1b

// maxSequence is the longest escape sequence that is waited for, in bytes.
const maxSequence = 32

// nextKey reads the first key of input and returns its length in bytes, 0 where more
// input is needed. With whole there will be no more: an Escape is the key then, not
// the begin of a sequence.
func nextKey(input []byte, whole bool) (k key, size int) {
	if input[0] == escape {
		return escapeKey(input, whole || len(input) > maxSequence)
	}
	if !utf8.FullRune(input) && !whole {
		return keyNone, 0
	}
	r, size := utf8.DecodeRune(input)
	if k, ok := controlKey(r); ok {
		return k, size
	}
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return keyNone, size
	}
	return key(r), size
}

// controlKey returns the key of a control character.
func controlKey(r rune) (k key, ok bool) {
	k, ok = map[rune]key{
		'\r': keyEnter, '\n': keyEnter,
		'\b': keyBackspace, 0x7f: keyBackspace,
		'C' & 0x1f: keyInterrupt, 'D' & 0x1f: keyInterrupt,
		'L' & 0x1f: keyRedraw,
		'N' & 0x1f: keyDown,
		'P' & 0x1f: keyUp,
		'U' & 0x1f: keyClear,
		'Z' & 0x1f: keySuspend,
	}[r]
	return k, ok
}

// escapeKey reads the key of a control sequence (ECMA-48 section 5.4, CSI) or of an
// application key (SS3). Escape and a character are a key with Alt.
func escapeKey(input []byte, whole bool) (k key, size int) {
	if len(input) == 1 || input[1] == escape {
		if len(input) == 1 && !whole {
			return keyNone, 0
		}
		return keyEscape, 1
	}
	if input[1] != '[' && input[1] != 'O' {
		_, size := utf8.DecodeRune(input[1:])
		return keyNone, 1 + size
	}
	parameters := input[2:]
	end := bytes.IndexFunc(parameters, func(r rune) bool { return r < ' ' || r > '?' })
	switch {
	case end >= 0 && parameters[end] < ' ': // no sequence: the control is a key of its own
		return keyNone, 2 + end
	case end >= 0:
		return sequenceKey(parameters[:end], parameters[end]), 2 + end + 1
	case whole:
		return keyNone, len(input)
	}
	return keyNone, 0
}

// sequenceKey ignores the parameters that tell of Shift, Alt and Control.
func sequenceKey(parameters []byte, final byte) key {
	number, _, _ := bytes.Cut(parameters, []byte(";"))
	if k, ok := map[string]key{
		"1~": keyHome, "7~": keyHome,
		"4~": keyEnd, "8~": keyEnd,
		"5~": keyPageUp,
		"6~": keyPageDown,
	}[string(number)+string(final)]; ok {
		return k
	}
	return cmp.Or(map[byte]key{'A': keyUp, 'B': keyDown, 'F': keyEnd, 'H': keyHome}[final], keyNone)
}
