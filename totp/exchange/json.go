package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// firstHasMembers reports whether data begins like a JSON array whose first element is an
// object with all the named members.
func firstHasMembers(data []byte, names ...string) bool {
	data = bytes.TrimLeft(trimBOM(data), " \t\r\n")
	return len(data) > 0 && data[0] == '[' && hasMembers(data[1:], names...)
}

// decodeJSON returns ErrDamaged, and where the damage is. It drops the errors of
// encoding/json, which quote what they find.
func decodeJSON(data []byte, v any) error {
	data = trimBOM(data)
	err := json.Unmarshal(data, v)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%w at byte %d of %d", ErrDamaged, syntax.Offset, len(data))
	case err != nil:
		return fmt.Errorf("%w: it has other values than the format", ErrDamaged)
	}
	return nil
}
