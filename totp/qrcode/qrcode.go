// Package qrcode draws a short text, such as an otpauth URI, as a QR code
// (ISO/IEC 18004): in a terminal, as SVG and as PNG.
//
// Codes have error correction level M, or L where the text does not fit M, and
// the quiet zone of four modules that the standard asks for on every side.
package qrcode

import (
	"errors"

	"rsc.io/qr"
)

const (
	quietZone    = 4 // modules
	modulePixels = 8 // side of a module in PNG, and in SVG by default
)

// ErrTooLong is returned for a text that fits no QR code. The limit at level L
// is 2953 bytes; texts of digits alone, or of capitals, may be longer.
var ErrTooLong = errors.New("text too long for a QR code")

// PNG draws text as a PNG image of black and white, one bit a pixel, 8 pixels a
// module. It returns ErrTooLong for a text that does not fit.
func PNG(text string) ([]byte, error) {
	code, _, err := encode(text, qr.M, qr.L)
	if err != nil {
		return nil, err
	}
	code.Scale = modulePixels
	return code.PNG(), nil
}

// encode takes the first of the levels that the text fits. It discards the library's
// errors: text is a secret that they might quote, and length is all that can be wrong with
// it.
func encode(text string, levels ...qr.Level) (*qr.Code, qr.Level, error) {
	for _, level := range levels {
		if code, err := qr.Encode(text, level); err == nil {
			return code, level, nil
		}
	}
	return nil, 0, ErrTooLong
}
