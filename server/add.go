package server

import (
	"net/http"

	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/verifier"
)

// postAccounts makes a pending account with a fresh secret, or an active one with the
// secret that the body brings.
func (s *Server) postAccounts(w http.ResponseWriter, r *http.Request) error {
	body, err := readStrings(r.Body, "account", "secret", "uri")
	if err != nil {
		return err
	}
	_, secret := body["secret"]
	if _, uri := body["uri"]; secret || uri {
		return s.addActive(w, r, body)
	}
	name, err := verifier.ParseNewAccount(body["account"])
	if err != nil {
		return err
	}
	recordOf(r).account = name
	e, err := s.config.Verifier.Add(r.Context(), name)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, api.EnrolmentOf(e, s.config.PublicURL))
}

// addActive answers with the account, as a GET of it does: who brings a secret needs none.
func (s *Server) addActive(w http.ResponseWriter, r *http.Request, body map[string]string) error {
	account, err := broughtAccount(body)
	if err != nil {
		return err
	}
	recordOf(r).account = account.Name
	if err := s.config.Verifier.AddActive(r.Context(), account); err != nil {
		return err
	}
	info, err := s.config.Verifier.Show(r.Context(), account.Name)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, api.ActiveAccount{Account: api.AccountOf(info), Warnings: account.Entry.Key.Secret().Warnings("the secret")})
}

// broughtAccount reads a secret or an otpauth URI. The name may be left out beside a URI,
// which has one. The errors quote nothing of a secret.
func broughtAccount(body map[string]string) (a verifier.NewAccount, err error) {
	uri, hasURI := body["uri"]
	text, hasSecret := body["secret"]
	if hasURI && hasSecret {
		return a, badRequest("secret and uri exclude each other")
	}
	if hasURI {
		a.Entry, err = totp.ParseURI(uri)
	} else {
		a.Entry.Key, err = secretKey(text)
	}
	if err != nil {
		return a, badRequest(err.Error())
	}
	name, named := body["account"]
	if hasURI && !named {
		a.Name, err = verifier.StoredName(a.Entry)
	} else {
		a.Name, err = verifier.ParseNewAccount(name)
	}
	return a, err
}

// secretKey returns the key of a secret alone, with what authenticators assume then.
func secretKey(text string) (totp.Key, error) {
	secret, err := totp.ParseSecret(text)
	if err != nil {
		return totp.Key{}, err
	}
	return totp.NewKey(secret, totp.DefaultScheme())
}
