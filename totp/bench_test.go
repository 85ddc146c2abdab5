package totp

import (
	"testing"
	"time"

	pquerna "github.com/pquerna/otp"
	pquernatotp "github.com/pquerna/otp/totp"
	"github.com/xlzd/gotp"
)

var moment = time.Unix(1_111_111_109, 0)

func BenchmarkCode(b *testing.B) {
	k := testKey(b)
	secret := k.Secret().Base32()
	b.Run("totpctl", func(b *testing.B) {
		for b.Loop() {
			k.Code(moment)
		}
	})
	b.Run("gotp", func(b *testing.B) {
		other := gotp.NewDefaultTOTP(secret)
		for b.Loop() {
			other.At(moment.Unix())
		}
	})
	b.Run("pquerna", func(b *testing.B) {
		for b.Loop() {
			pquernatotp.GenerateCode(secret, moment)
		}
	})
}

// gotp matches one step; the others match the three of skew 1.
func BenchmarkMatch(b *testing.B) {
	k := testKey(b)
	secret := k.Secret().Base32()
	code, _ := k.Code(moment)
	b.Run("totpctl", func(b *testing.B) {
		for b.Loop() {
			k.Match(code, moment, 1)
		}
	})
	b.Run("gotp", func(b *testing.B) {
		other := gotp.NewDefaultTOTP(secret)
		for b.Loop() {
			other.Verify(code, moment.Unix())
		}
	})
	b.Run("pquerna", func(b *testing.B) {
		options := pquernatotp.ValidateOpts{Period: 30, Skew: 1, Digits: pquerna.DigitsSix}
		for b.Loop() {
			pquernatotp.ValidateCustom(code, secret, moment, options)
		}
	})
}

func BenchmarkURI(b *testing.B) {
	e := testEntry(b)
	b.Run("totpctl", func(b *testing.B) {
		for b.Loop() {
			e.URI()
		}
	})
	b.Run("gotp", func(b *testing.B) {
		other := gotp.NewDefaultTOTP(e.Key.Secret().Base32())
		for b.Loop() {
			other.ProvisioningUri(e.Account, e.Issuer)
		}
	})
	b.Run("pquerna", func(b *testing.B) {
		options := pquernatotp.GenerateOpts{Issuer: e.Issuer, AccountName: e.Account, Secret: e.Key.Secret().Bytes()}
		for b.Loop() {
			pquernatotp.Generate(options)
		}
	})
}

func BenchmarkParseURI(b *testing.B) {
	uri := testEntry(b).URI()
	b.Run("totpctl", func(b *testing.B) {
		for b.Loop() {
			ParseURI(uri)
		}
	})
	b.Run("pquerna", func(b *testing.B) {
		for b.Loop() {
			pquerna.NewKeyFromURL(uri)
		}
	})
}
