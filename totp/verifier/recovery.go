package verifier

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"totpctl/totp"
)

// recoveryCodes is how many recovery codes an account gets. State.RecoveryUsed has room
// for 16.
const recoveryCodes = 10

// recoveryLength is how many characters of base32 a recovery code has: six groups of four,
// which are 120 random bits. NIST SP 800-63B-4 section 3.1.2.2 takes 112 for what may be
// stored as a plain hash, and asks for a throttle below 64 alone.
const recoveryLength = 24

// oldRecoveryLength is that of the recovery codes that earlier versions gave out.
const oldRecoveryLength = 26

// hashLength is how many characters a stored hash has: 128 bits in base64.
const hashLength = 22

// newRecovery returns fresh recovery codes, and what is stored of them.
func newRecovery(id string) (codes []string, stored string) {
	for range recoveryCodes {
		code := rand.Text()[:recoveryLength]
		codes = append(codes, code)
		stored += recoveryHash(id, code)
	}
	return codes, stored
}

// maxRecoveryCodes is how many recovery codes an account can have: State.RecoveryUsed has
// a bit for each.
const maxRecoveryCodes = 16

// allRecoveryUsed is State.RecoveryUsed of an account whose recovery codes are used up, however
// many it had: the Store, which can't count them, finds such accounts by it.
const allRecoveryUsed = 1<<maxRecoveryCodes - 1

// hashRecovery returns what is stored of recovery codes that were brought along, "" of
// none. It returns ErrRecovery for codes that do not fit.
func hashRecovery(id string, codes []string) (stored string, err error) {
	if len(codes) > maxRecoveryCodes {
		return "", fmt.Errorf("%w: there are %d, and an account has %d at most", ErrRecovery, len(codes), maxRecoveryCodes)
	}
	for _, text := range codes {
		code, err := ParseRecoveryCode(text)
		if err != nil {
			return "", err
		}
		hash := recoveryHash(id, code)
		if findHash(stored, hash) >= 0 {
			return "", fmt.Errorf("%w: it is there twice", ErrRecovery)
		}
		stored += hash
	}
	return stored, nil
}

// ParseRecoveryCode returns a recovery code that is brought along, tidied. It returns
// ErrRecovery for a code that has another form than those of this package. Shorter ones, of
// other programs, can be guessed: a wrong recovery code is not charged.
func ParseRecoveryCode(text string) (string, error) {
	code, ok := TidyRecoveryCode(text)
	if !ok {
		return "", fmt.Errorf("%w: want %d letters A-Z and digits 2-7, or %d", ErrRecovery, recoveryLength, oldRecoveryLength)
	}
	return code, nil
}

// saltMark parts the hashes of recovery codes, which are base64, from the name that they
// are hashed with, where the account has been renamed.
const saltMark = ":"

// splitRecovery returns the hashes among what is stored of an account's recovery codes, and
// the name that they are hashed with.
func splitRecovery(id, stored string) (hashes, name string) {
	hashes, name, renamed := strings.Cut(stored, saltMark)
	if !renamed {
		name = id
	}
	return hashes, name
}

// keepSalt returns what is stored of recovery codes for an account that gets another ID.
// The codes are not known, so that they can't be hashed anew.
func keepSalt(id, stored string) string {
	if stored == "" || strings.Contains(stored, saltMark) {
		return stored
	}
	return stored + saltMark + id
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
	return code, (len(code) == recoveryLength || len(code) == oldRecoveryLength) && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// recover uses up a recovery code. A wrong one is counted and not charged, because the
// throttle must not keep the owner out, and a recovery code is too long to be guessed.
func (s State) recover(stored string, t Attempt, now time.Time) (State, Verdict) {
	code, ok := TidyRecoveryCode(t.RecoveryCode)
	if !ok {
		return s, Verdict{Reason: ReasonMalformed}
	}
	hashes, name := splitRecovery(t.Account, stored)
	i := findHash(hashes, recoveryHash(name, code))
	if i < 0 || s.RecoveryUsed>>i&1 == 1 {
		s.RecentRecovery = s.RecentRecovery.failUpToMax(now)
		return s, Verdict{Reason: ReasonInvalid}
	}
	s.RecoveryUsed |= 1 << i
	verdict := Verdict{Valid: true, Recovery: true, RecoveryLeft: recoveryLeft(stored, s.RecoveryUsed)}
	if verdict.RecoveryLeft == 0 {
		s.RecoveryUsed = allRecoveryUsed
	}
	s.Last = newAnswer(t.Request, now, verdict)
	return s, verdict
}

// isRecoveryCode reports whether the code is among the stored ones, used or not.
func isRecoveryCode(id, stored, text string) bool {
	code, ok := TidyRecoveryCode(text)
	hashes, name := splitRecovery(id, stored)
	return ok && findHash(hashes, recoveryHash(name, code)) >= 0
}

// recoveryLeft returns how many of the stored recovery codes are unused.
func recoveryLeft(stored string, used uint16) int {
	hashes, _ := splitRecovery("", stored)
	n := len(hashes) / hashLength
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
