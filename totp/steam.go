package totp

import "strconv"

// How Steam writes a code: see SteamScheme.
const (
	steamLetters  = 5
	steamAlphabet = "23456789BCDFGHJKMNPQRTVWXY"

	// wholeDigits are enough for all 31 bits of a truncated HMAC.
	wholeDigits = 10
)

// steamCode writes a decimal number in Steam's alphabet, the least significant letter
// first.
func steamCode(decimal string) string {
	n, err := strconv.Atoi(decimal)
	if err != nil {
		return ""
	}
	var code [steamLetters]byte
	for i := range code {
		code[i] = steamAlphabet[n%len(steamAlphabet)]
		n /= len(steamAlphabet)
	}
	return string(code[:])
}
