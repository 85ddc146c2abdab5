package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"totpctl/server/api"
)

// writeJSON answers with a body, or returns an error and has written nothing.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // people read it, and no browser takes it for HTML
	if err := e.Encode(body); err != nil {
		return internal("encoding the answer failed", err)
	}
	w.Header().Set("Content-Type", "application/json")
	if status != http.StatusOK { // net/http sends 200 by itself, and copies the header if it is told
		w.WriteHeader(status)
	}
	w.Write(text.Bytes())
	return nil
}

// readStrings reads one JSON object whose members are strings of the given names.
func readStrings(body io.Reader, names ...string) (map[string]string, error) {
	text, err := readBody(body)
	if err != nil {
		return nil, err
	}
	members, err := parseMembers(text, names...)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for name, value := range members {
		text, ok := api.Text(value)
		if !ok {
			return nil, errBody
		}
		texts[name] = text
	}
	return texts, nil
}

// parseMembers reads one JSON object that has no other members than the named ones.
func parseMembers(text []byte, names ...string) (map[string]jsontext.Value, error) {
	members, err := api.Members(text)
	switch {
	case errors.Is(err, api.ErrRepeated):
		return nil, badRequest("repeated field in the body")
	case err != nil:
		return nil, errBody
	}
	for name := range members {
		if !slices.Contains(names, name) {
			return nil, badRequest("unknown field in the body")
		}
	}
	return members, nil
}

// readOptional reads what parseMembers does, of a request that needs no body.
func readOptional(body io.Reader, names ...string) (map[string]jsontext.Value, error) {
	text, err := readBody(body)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	return parseMembers(text, names...)
}

// readNothing is for requests that need no body: none, or an empty object.
func readNothing(body io.Reader) error {
	_, err := readOptional(body)
	return err
}

// readFlag reads the one member that a body may have, true or false. It is false if
// the body leaves it out.
func readFlag(body io.Reader, name string) (bool, error) {
	members, err := readOptional(body, name)
	if err != nil || members[name] == nil {
		return false, err
	}
	kind := members[name].Kind()
	if kind != 't' && kind != 'f' {
		return false, errBody
	}
	return kind == 't', nil
}

var errBody = badRequest("body is not the JSON object that this route takes, in UTF-8")
