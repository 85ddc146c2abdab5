package exchange

import (
	"encoding/binary"
	"fmt"
)

// The types of fields in a message of protocol buffers
// (protobuf.dev/programming-guides/encoding). google.golang.org/protobuf would hash the
// whole program at each start.
const (
	protoVarint = iota
	protoFixed64
	protoBytes
	protoFixed32 = 5
)

// eachField calls visit for each field of a message, with a number or with bytes. Fields of
// other types are passed over.
func eachField(data []byte, visit func(field, value uint64, bytes []byte)) error {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 || tag>>3 == 0 {
			return fmt.Errorf("%w: its data are not a message of Google Authenticator", ErrDamaged)
		}
		value, bytes, rest, ok := fieldValue(data[n:], tag&7)
		if !ok {
			return fmt.Errorf("%w: its data end within an account", ErrDamaged)
		}
		data = rest
		visit(tag>>3, value, bytes)
	}
	return nil
}

func fieldValue(data []byte, kind uint64) (value uint64, bytes, rest []byte, ok bool) {
	n, size := 0, uint64(0)
	switch kind {
	case protoVarint:
		value, n = binary.Uvarint(data)
	case protoBytes:
		size, n = binary.Uvarint(data)
	case protoFixed64:
		size = 8
	case protoFixed32:
		size = 4
	default:
		return 0, nil, nil, false
	}
	if n < 0 || n == 0 && kind != protoFixed64 && kind != protoFixed32 || uint64(len(data)-n) < size {
		return 0, nil, nil, false
	}
	return value, data[n:][:size], data[n:][size:], true
}

func appendNumber(b []byte, field int, value uint64) []byte {
	return binary.AppendUvarint(appendTag(b, field, protoVarint), value)
}

func appendBytes(b []byte, field int, value []byte) []byte {
	b = binary.AppendUvarint(appendTag(b, field, protoBytes), uint64(len(value)))
	return append(b, value...)
}

func appendTag(b []byte, field, kind int) []byte {
	return binary.AppendUvarint(b, uint64(field<<3+kind))
}
