package exchange

import "cmp"

// A freeOTPToken is an account in an export of FreeOTP+, as
// token-data/src/main/java/org/fedorahosted/freeotp/data/legacy/ of
// github.com/helloworld1/FreeOTPPlus writes it.
type freeOTPToken struct {
	Kind        scalar  `json:"type"`
	IssuerLabel scalar  `json:"issuerExt"` // of the URI's label
	IssuerParam scalar  `json:"issuerInt"` // of the URI's parameter
	IssuerOwn   scalar  `json:"issuerAlt"` // what the user has changed it to
	Label       scalar  `json:"label"`
	LabelOwn    *scalar `json:"labelAlt"`
	Secret      []int8  `json:"secret"` // Java has no unsigned bytes
	Algorithm   scalar  `json:"algo"`
	Digits      scalar  `json:"digits"`
	Period      scalar  `json:"period"`
}

func isFreeOTP(data []byte) bool { return hasMembers(data, "tokens", "tokenOrder") }

func readFreeOTP(c *Contents, in input) error {
	return eachIn(c, in.data, "tokens/*", "entry", func(place string, t freeOTPToken) {
		r := record{
			place: place, kind: t.Kind.String(),
			issuer: cmp.Or(t.IssuerOwn, t.IssuerLabel, t.IssuerParam).String(), account: t.Label.String(),
			raw: make([]byte, len(t.Secret)), algorithm: t.Algorithm.String(),
			digits: t.Digits.String(), period: t.Period.String(),
		}
		if t.LabelOwn != nil {
			r.account = t.LabelOwn.String()
		}
		for i, b := range t.Secret {
			r.raw[i] = byte(b)
		}
		if t.IssuerLabel == "Steam" && t.Kind == "TOTP" { // by which FreeOTP+ knows Steam's codes
			r.kind = "steam"
		}
		c.add(r)
	})
}
