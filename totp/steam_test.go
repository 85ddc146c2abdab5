package totp

import (
	"strings"
	"testing"
	"time"
)

func steamKey(t *testing.T) Key { return newKey(t, seed(t, 20), SteamScheme()) }

// The numbers are those of RFC 4226 appendix D, 1284755224 for count 0, written to base 26.
func TestSteamWritesTheTruncatedNumberInItsAlphabet(t *testing.T) {
	k := steamKey(t)
	for step, want := range []string{"GG5F5", "PV9M4", "B26KJ"} {
		if got, err := k.Code(k.Start(int64(step))); got != want || err != nil {
			t.Errorf("code of step %d is %q, %v, want %s", step, got, err, want)
		}
	}
}

func TestNoVerifierTakesACodeOfSteam(t *testing.T) {
	k := steamKey(t)
	for _, code := range []string{"GG5F5", "55555", "22222", "755224", ""} {
		if _, ok := k.Match(code, time.Unix(1, 0), MaxSkew); ok || k.IsCode(code) {
			t.Errorf("%q is taken for a code", code)
		}
	}
}

func TestAURIOfSteamNamesTheEncoderAndIsNoneOfOurs(t *testing.T) {
	uri := Entry{"Steam", "gabe", steamKey(t)}.URI()
	if want := "&digits=5&encoder=steam"; !strings.HasSuffix(uri, want) {
		t.Errorf("URI is %s, want %s at its end", uri, want)
	}
	if _, err := ParseURI(uri); err == nil {
		t.Error("ParseURI takes a key that no verifier accepts")
	}
}
