package api

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrRepeated says that an object has a member twice.
var ErrRepeated = errors.New("member is repeated")

// errObject says that a text is not one JSON object.
var errObject = errors.New("not a JSON object in UTF-8")

// Members returns the members of a text that is one JSON object in UTF-8, each by its
// exact name. encoding/json would let Code stand for code, the last of two win, and
// one name stand for others that are not UTF-8. The error is ErrRepeated or says that
// the text is something else; it quotes nothing of the text.
func Members(text []byte) (map[string]jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, errObject
	}
	members := map[string]jsontext.Value{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, readError(err)
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, readError(err)
		}
		members[key] = value.Clone()
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, readError(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errObject
	}
	return members, nil
}

func readError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return ErrRepeated
	}
	return errObject
}

// Text returns the string that a value of Members is; ok reports whether it is one.
func Text(value jsontext.Value) (text string, ok bool) {
	if value.Kind() != '"' {
		return "", false
	}
	unquoted, err := jsontext.AppendUnquote(nil, value)
	return string(unquoted), err == nil
}
