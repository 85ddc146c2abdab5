package totp

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// seed is the ASCII secret of the RFCs' test values, as long as the hash: RFC
// 6238's appendix B says one length and its reference code uses these.
func seed(t testing.TB, bytes int) Secret {
	t.Helper()
	s, err := NewSecret([]byte(strings.Repeat("1234567890", 7)[:bytes]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newKey(t testing.TB, secret Secret, s Scheme) Key {
	t.Helper()
	k, err := NewKey(secret, s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRFC6238AppendixB(t *testing.T) {
	bytes := map[Algorithm]int{SHA1: 20, SHA256: 32, SHA512: 64}
	for _, v := range []struct {
		unix int64
		step string // T (hex)
		code map[Algorithm]string
	}{
		{59, "0000000000000001", map[Algorithm]string{SHA1: "94287082", SHA256: "46119246", SHA512: "90693936"}},
		{1111111109, "00000000023523EC", map[Algorithm]string{SHA1: "07081804", SHA256: "68084774", SHA512: "25091201"}},
		{1111111111, "00000000023523ED", map[Algorithm]string{SHA1: "14050471", SHA256: "67062674", SHA512: "99943326"}},
		{1234567890, "000000000273EF07", map[Algorithm]string{SHA1: "89005924", SHA256: "91819424", SHA512: "93441116"}},
		{2000000000, "0000000003F940AA", map[Algorithm]string{SHA1: "69279037", SHA256: "90698825", SHA512: "38618901"}},
		{20000000000, "0000000027BC86AA", map[Algorithm]string{SHA1: "65353130", SHA256: "77737706", SHA512: "47863826"}},
	} {
		for algorithm, want := range v.code {
			k := newKey(t, seed(t, bytes[algorithm]), Scheme{algorithm, 8, 30 * time.Second, false})
			at := time.Unix(v.unix, 0)
			step, err := k.Step(at)
			if err != nil || hexStep(step) != v.step {
				t.Errorf("step at %d is %s, %v, want %s", v.unix, hexStep(step), err, v.step)
			}
			if got, err := k.Code(at); err != nil || got != want {
				t.Errorf("%v code at %d is %s, %v, want %s", algorithm, v.unix, got, err, want)
			}
			if got, ok := k.Match(want, at, 0); !ok || got != step {
				t.Errorf("%v code at %d matches step %d, %v, want %d", algorithm, v.unix, got, ok, step)
			}
		}
	}
}

func hexStep(step int64) string {
	var b [8]byte
	for i := range b {
		b[i] = byte(step >> (56 - 8*i))
	}
	return strings.ToUpper(hex.EncodeToString(b[:]))
}

func TestRFC4226AppendixD(t *testing.T) {
	k := newKey(t, seed(t, 20), Scheme{SHA1, 6, time.Second, false})
	for counter, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		// With a period of one second the time is the counter.
		if got, err := k.Code(time.Unix(int64(counter), 0)); err != nil || got != want {
			t.Errorf("code of counter %d is %s, %v, want %s", counter, got, err, want)
		}
	}
}
