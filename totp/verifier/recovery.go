package verifier

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"math/bits"
	"strings"
	"time"

	"totpctl/totp"
)

// recoveryCodes is how many recovery codes an account gets. State.RecoveryUsed has room
// for 16.
const recoveryCodes = 10

// recoveryLength is how many characters of base32 a recovery code has: 130 random bits.
// RFC 4226 section 4 (R6) asks the secret itself for 128, so guesses need no throttle.
const recoveryLength = 26

// hashLength is how many characters a stored hash has: 128 bits in base64.
const hashLength = 22

// newRecovery returns fresh recovery codes, and what is stored of them.
func newRecovery(id string) (codes []string, stored string) {
	for range recoveryCodes {
		code := rand.Text()
		codes = append(codes, code)
		stored += recoveryHash(id, code)
	}
	return codes, stored
}

// recoveryHash has no salt but the account, because a code is too long to be looked up.
func recoveryHash(id, code string) string { return shortHash("recovery code", id, code) }

// shortHash returns 128 bits of SHA-256. It is for random text, which cannot be guessed.
func shortHash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawStdEncoding.EncodeToString(sum[:16])
}

// TidyRecoveryCode returns a recovery code as it was given out. People may type and paste
// it in either case, with spaces and dashes. ok reports whether s has the form of a
// recovery code.
func TidyRecoveryCode(s string) (code string, ok bool) {
	code = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' { // strings.ToUpper makes S of a long s, too
			return r - 'a' + 'A'
		}
		return r
	}, totp.Tidy(s))
	return code, len(code) == recoveryLength && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// recover uses up a recovery code. A wrong one is not charged, because the throttle must
// not keep the owner out, and a recovery code is too long to be guessed.
func (s State) recover(stored string, t Attempt, now time.Time) (State, Verdict) {
	code, ok := TidyRecoveryCode(t.RecoveryCode)
	if !ok {
		return s, Verdict{Reason: ReasonMalformed}
	}
	i := findHash(stored, recoveryHash(t.Account, code))
	if i < 0 || s.RecoveryUsed>>i&1 == 1 {
		return s, Verdict{Reason: ReasonInvalid}
	}
	s.RecoveryUsed |= 1 << i
	verdict := Verdict{Valid: true, Recovery: true, RecoveryLeft: recoveryLeft(stored, s.RecoveryUsed)}
	s.Last = answer(t.Request, now, verdict)
	return s, verdict
}

// recoveryLeft returns how many of the stored recovery codes are unused.
func recoveryLeft(stored string, used uint16) int {
	n := len(stored) / hashLength
	return n - bits.OnesCount16(used&(1<<n-1))
}

// findHash returns the index of the hash among the stored ones, or -1. It compares with
// all of them in constant time.
func findHash(stored, hash string) int {
	found := -1
	for i := range len(stored) / hashLength {
		equal := subtle.ConstantTimeCompare([]byte(stored[i*hashLength:(i+1)*hashLength]), []byte(hash))
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	return found
}
