package transfer

import (
	"slices"

	"totpctl/totp/verifier"
)

// maxRecovery is how many recovery codes verifier.Import takes for an account.
const maxRecovery = 16

// fitRecovery keeps the recovery codes that the verifier takes, and notes how many it does
// not.
func (i *Item) fitRecovery() {
	var fit []string
	for _, text := range i.Recovery {
		code, err := verifier.ParseRecoveryCode(text)
		if err == nil && len(fit) < maxRecovery && !i.Entry.Key.Scheme().Steam && !slices.Contains(fit, code) {
			fit = append(fit, code)
		}
	}
	if left := len(i.Recovery) - len(fit); left > 0 {
		i.note("%d recovery codes of the file are left out: `totpctl account recovery-codes` makes new ones", left)
	}
	i.Recovery = fit
}
