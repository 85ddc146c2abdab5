// Package totp is the TOTP algorithm of RFC 6238: keys, codes, and the
// otpauth URIs by which authenticators learn a key.
//
// It is pure. Nothing here reads a clock, the environment or a file, and nothing
// logs; every time comes from the caller. The HMAC and the truncation of RFC
// 4226 are github.com/xlzd/gotp's, which this package alone imports and never
// hands a value that makes it panic, race or write a wrong URI.
//
// Whether a code that matches may still be used is a matter of policy and state:
// see package totpctl/totp/verifier.
package totp
