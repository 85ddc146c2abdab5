package api

import (
	"errors"

	"github.com/go-json-experiment/json"
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
func Members(text []byte) (members map[string]jsontext.Value, err error) {
	err = json.Unmarshal(text, &members)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, ErrRepeated
	case err != nil, members == nil: // null
		return nil, errObject
	}
	return members, nil
}

// Text returns the string that a value of Members is; ok reports whether it is one.
func Text(value jsontext.Value) (text string, ok bool) {
	if value.Kind() != '"' {
		return "", false
	}
	unquoted, err := jsontext.AppendUnquote(nil, value)
	return string(unquoted), err == nil
}
