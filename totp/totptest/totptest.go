// Package totptest makes the codes that tests offer.
package totptest

import (
	"fmt"
	"testing"
	"time"

	"totpctl/totp"
)

// Code returns the key's code at a time.
func Code(t testing.TB, k totp.Key, at time.Time) string {
	t.Helper()
	code, err := k.Code(at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// WrongCode returns a code of the right form that is good at no step near a time,
// whatever the skew.
func WrongCode(k totp.Key, at time.Time) string { return WrongCodes(k, at, 1)[0] }

// WrongCodes returns n different codes as WrongCode does.
func WrongCodes(k totp.Key, at time.Time, n int) (codes []string) {
	for i := 0; len(codes) < n; i++ {
		code := fmt.Sprintf("%0*d", k.Digits(), i)
		if _, good := k.Match(code, at, totp.MaxSkew); !good {
			codes = append(codes, code)
		}
	}
	return codes
}
