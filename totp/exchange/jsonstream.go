package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"totpctl/totp"
)

// JSON documents are read one account at a time, because a hostile file may be huge.
const (
	maxJSONDepth = 1000    // of arrays and objects that are passed over
	maxElement   = 1 << 20 // bytes of one account, which takes far more when it is decoded
)

var errElement = errors.New("it has more than " + strconv.Itoa(maxElement>>20) + " MiB")

// decodeJSON returns ErrDamaged, and where the damage is. It drops the errors of
// encoding/json, which quote what they find.
func decodeJSON(data []byte, v any) error {
	data = trimBOM(data)
	err := json.Unmarshal(data, v)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w at byte %d of %d", ErrDamaged, syntax.Offset, len(data))
	}
	if err != nil {
		return fmt.Errorf("%w: it has other values than the format", ErrDamaged)
	}
	return nil
}

// eachJSON reads a document to its end and calls visit for each value at a path. The path's
// parts are keys, and "*" for all elements of an array, parted by slashes. Values are
// decoded one at a time, so that neither a bad value nor a huge array is in the way of the
// others; a value of another type than T is left out.
func eachJSON[T any](c *Contents, r io.Reader, path, what string, visit func(place string, v T)) error {
	dec, n := json.NewDecoder(r), 0
	err := walkJSON(dec, strings.Split(path, "/"), func() error {
		if n++; n > maxEntries || c.tooMany {
			return errTooMany
		}
		place := fmt.Sprintf("%s %d", what, n)
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		var v T
		if err := decodeElement(raw, &v); err != nil {
			c.leaveOut(place, "", err)
			return nil
		}
		visit(place, v)
		return nil
	})
	if err != nil {
		return streamError(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%w: there is more after its JSON", ErrDamaged)
	}
	return nil
}

func decodeElement(raw json.RawMessage, v any) error {
	if len(raw) > maxElement {
		return errElement
	}
	err := json.Unmarshal(raw, v)
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("its %s has another type than the format says", totp.QuoteName(mismatch.Field))
	}
	if err != nil {
		return fmt.Errorf("%w: it has other values than the format", ErrDamaged) // err quotes them
	}
	return nil
}

// eachIn is eachJSON for a document in memory.
func eachIn[T any](c *Contents, data []byte, path, what string, visit func(place string, v T)) error {
	return eachJSON(c, bytes.NewReader(trimBOM(data)), path, what, visit)
}

// addEach adds the accounts at a path, as eachJSON finds them.
func addEach[T any](c *Contents, data []byte, path string, toRecord func(T) record) error {
	return eachIn(c, data, path, "entry", func(place string, element T) {
		r := toRecord(element)
		r.place = place
		c.add(r)
	})
}

// streamError drops the errors of encoding/json, which quote what they find.
func streamError(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%w at byte %d", ErrDamaged, syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	return err
}

// walkJSON reads one value and calls visit where it finds the path, which must then decode
// the value there.
func walkJSON(dec *json.Decoder, path []string, visit func() error) error {
	if len(path) == 0 {
		return visit()
	}
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') {
		return err
	}
	for dec.More() {
		key := json.Token("*")
		if open == json.Delim('{') {
			if key, err = dec.Token(); err != nil {
				return err
			}
		}
		if key == path[0] && (key == "*") == (open == json.Delim('[')) {
			err = walkJSON(dec, path[1:], visit)
		} else {
			err = skipJSON(dec)
		}
		if err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// skipJSON reads one value, however large, in little memory.
func skipJSON(dec *json.Decoder) error {
	for depth := 0; ; {
		token, err := dec.Token()
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if err != nil || depth == 0 {
			return err
		}
		if depth > maxJSONDepth {
			return fmt.Errorf("%w: its JSON is nested too deep", ErrDamaged)
		}
	}
}

// A scalar is a string, a number, true or false of JSON as text; null is "". Programs differ
// in how they write numbers.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(data []byte) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*s = ""
	case string:
		*s = scalar(v)
	case float64, bool:
		*s = scalar(data)
	default:
		return &json.UnmarshalTypeError{Value: "array or object", Type: reflect.TypeFor[scalar]()}
	}
	return nil
}

func (s scalar) String() string { return string(s) }
