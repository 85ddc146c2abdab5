package exchange

import (
	"cmp"
	"errors"
)

// An authyToken is an account of Authy, which exports nothing itself. The keys are those
// of its server's answers and of its Android app's files, and of the tools that decrypt
// them: decrypt.py for what github.com/AlexTech01/Authy-iOS-MiTM captures, and
// github.com/alexzorin/authy.
type authyToken struct {
	Name           scalar `json:"name"`
	Issuer         scalar `json:"issuer"`
	OriginalIssuer scalar `json:"originalIssuer"`
	OriginalName   scalar `json:"original_name"`

	// Seeds are in base32, unless an account makes Authy's own codes.
	Seed      scalar `json:"decrypted_seed"`
	Secret    scalar `json:"decryptedSecret"`
	Encrypted scalar `json:"encrypted_seed"`
	EncSecret scalar `json:"encryptedSecret"`

	// Own seeds are in hexadecimal. Their codes have seven digits and last ten seconds.
	OwnSeed   scalar `json:"secret_seed"`
	OwnSecret scalar `json:"secretSeed"`

	Digits scalar `json:"digits"`
	Period scalar `json:"period"`
}

func isAuthy(data []byte) bool {
	return hasMembers(data, "decrypted_authenticator_tokens") || hasMembers(data, "authenticator_tokens") ||
		hasMembers(data, "apps", "success") ||
		firstHasMembers(data, "name", "decryptedSecret") || firstHasMembers(data, "name", "secretSeed")
}

func readAuthy(c *Contents, in input) error {
	for _, list := range []struct{ path, what string }{
		{"*", "token"}, {"decrypted_authenticator_tokens/*", "token"}, {"authenticator_tokens/*", "token"}, {"apps/*", "app"},
	} {
		if err := eachIn(c, in.data, list.path, list.what, c.addAuthy); err != nil {
			return err
		}
	}
	return nil
}

func (c *Contents) addAuthy(place string, t authyToken) {
	r := record{
		place: place, issuer: cmp.Or(t.Issuer, t.OriginalIssuer).String(), account: cmp.Or(t.Name, t.OriginalName).String(),
		secret: cmp.Or(t.Seed, t.Secret).String(), digits: t.Digits.String(), period: t.Period.String(),
	}
	own := cmp.Or(t.OwnSeed, t.OwnSecret).String()
	switch {
	case r.secret != "":
	case own != "":
		r.digits, r.period = cmp.Or(r.digits, "7"), cmp.Or(r.period, "10")
		if err := r.decodeSecret(own, "hex"); err != nil {
			c.leaveOut(place, r.name(), err)
			return
		}
	case cmp.Or(t.Encrypted, t.EncSecret) != "":
		c.leaveOut(place, r.name(), errors.New("its seed is still encrypted: the tool that wrote the file decrypts it with the backup password"))
		return
	}
	c.add(r)
}
