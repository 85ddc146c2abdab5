package totp_test

import (
	"fmt"
	"time"

	"totpctl/totp"
)

func ExampleEntry_URI() {
	secret, err := totp.ParseSecret("gezd gnbv gy3t qojq gezd gnbv gy3t qojq")
	if err != nil {
		panic(err)
	}
	key, err := totp.NewKey(secret, totp.DefaultScheme())
	if err != nil {
		panic(err)
	}
	entry, err := totp.NewEntry("TOTP Example", "alice@example.com", key)
	if err != nil {
		panic(err)
	}
	fmt.Println(entry.URI())
	// Output: otpauth://totp/TOTP%20Example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=TOTP%20Example
}

func ExampleParseURI() {
	entry, err := totp.ParseURI("otpauth://totp/ACME:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8")
	if err != nil {
		panic(err)
	}
	fmt.Println(entry.Issuer, entry.Account)
	fmt.Println(entry.Key) // does not show the secret
	// Output:
	// ACME alice
	// SHA1, 8 digits, 30s, secret [redacted]
}

// The key of RFC 6238 appendix B: whoever accepts the code remembers its step, so
// that no code of that step or of an earlier one is good again.
func ExampleKey_Match() {
	secret, err := totp.NewSecret([]byte("12345678901234567890"))
	if err != nil {
		panic(err)
	}
	key, err := totp.NewKey(secret, totp.Scheme{Algorithm: totp.SHA1, Digits: 8, Period: 30 * time.Second})
	if err != nil {
		panic(err)
	}
	now := time.Unix(59, 0)
	code, err := key.Code(now)
	if err != nil {
		panic(err)
	}
	step, ok := key.Match(code, now.Add(key.Period()), totp.DefaultSkew)
	fmt.Println(code, step, ok)
	_, ok = key.Match(code, now.Add(2*key.Period()), totp.DefaultSkew)
	fmt.Println(ok)
	// Output:
	// 94287082 1 true
	// false
}
