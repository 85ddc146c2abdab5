package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// getCheck is the prototype's route.
func (s *Server) getCheck(w http.ResponseWriter, r *http.Request) error {
	query, err := readQuery(r.URL.RawQuery, "account")
	if err != nil {
		return err
	}
	account, err := accountIn(query)
	if err != nil {
		return err
	}
	return s.check(w, r, verifier.Attempt{Account: account, Code: r.PathValue("code")})
}

func (s *Server) postCheck(w http.ResponseWriter, r *http.Request) error {
	attempt, err := readAttempt(r)
	if err != nil {
		return err
	}
	return s.check(w, r, attempt)
}

func (s *Server) check(w http.ResponseWriter, r *http.Request, a verifier.Attempt) error {
	recordOf(r).account = a.Account
	verdict, err := s.config.Verifier.Check(r.Context(), a)
	if err != nil {
		return err
	}
	err = writeVerdict(w, r, verdict, nil)
	if rec := recordOf(r); !verdict.Valid && a.RecoveryCode != "" {
		rec.free = true // a wrong recovery code is not charged
	}
	return err
}

// writeVerdict answers with a verdict, and with the recovery codes that a confirmation
// gives. It records the verdict.
func writeVerdict(w http.ResponseWriter, r *http.Request, v verifier.Verdict, recovery []string) error {
	recordOf(r).decided(v)
	body, status := api.VerdictOf(v, recovery), http.StatusOK
	if v.Reason == verifier.ReasonThrottled {
		w.Header().Set("Retry-After", strconv.Itoa(body.RetryAfter))
		if r.Method != http.MethodGet { // the prototype's app shows an error for any status but 200
			status = http.StatusTooManyRequests
		}
	}
	return writeJSON(w, status, body)
}

// accountIn returns the account that a query or a body names; "", the default account, if
// they name none. It refuses an empty name: a caller's unset variable must not check the
// default account's code.
func accountIn(values map[string]string) (string, error) {
	account, named := values["account"]
	if named && account == "" {
		return "", badRequest("account is empty: leave it out for the default one")
	}
	return account, nil
}

// readQuery returns the named parameters that a query has, by name. It refuses any other:
// a misspelt "account" must not check the default account's code.
func readQuery(query string, names ...string) (map[string]string, error) {
	all, err := url.ParseQuery(query)
	if err != nil {
		return nil, badRequest("query is malformed")
	}
	values := map[string]string{}
	for name, v := range all {
		if !slices.Contains(names, name) || len(v) != 1 {
			return nil, badRequest("unknown or repeated parameter: this route takes " + strings.Join(names, " and "))
		}
		values[name] = v[0]
	}
	return values, nil
}

// readAttempt reads the body of POST /check. An empty code gets a verdict, as any other
// malformed code does. An empty recovery code is refused, because an Attempt without a
// recovery code asks about its code.
func readAttempt(r *http.Request) (verifier.Attempt, error) {
	if r.URL.RawQuery != "" { // an account there would be overlooked
		return verifier.Attempt{}, badRequest("POST takes no parameters: the body has the account")
	}
	body, err := readStrings(r.Body, "code", "recovery_code", "account")
	if err != nil {
		return verifier.Attempt{}, err
	}
	code, hasCode := body["code"]
	recovery, hasRecovery := body["recovery_code"]
	if hasCode == hasRecovery || hasRecovery && recovery == "" {
		return verifier.Attempt{}, badRequest("want either code or recovery_code")
	}
	account, err := accountIn(body)
	if err != nil {
		return verifier.Attempt{}, err
	}
	id, err := requestID(r, account, code, recovery)
	return verifier.Attempt{Account: account, Code: code, RecoveryCode: recovery, Request: id}, err
}

// requestID returns the ID that a request and its repetitions have in common: a hash of
// the bearer, of what the request asks (the parts) and of its Idempotency-Key. Without
// that header requestID returns the zero ID.
func requestID(r *http.Request, parts ...string) (verifier.RequestID, error) {
	keys, ok := r.Header["Idempotency-Key"]
	if !ok {
		return verifier.RequestID{}, nil
	}
	if len(keys) != 1 || len(keys[0]) < api.MinIdempotencyKey || len(keys[0]) > api.MaxIdempotencyKey {
		return verifier.RequestID{}, badRequest(fmt.Sprintf("Idempotency-Key is repeated, or has not %d to %d bytes: make a fresh random one for each attempt",
			api.MinIdempotencyKey, api.MaxIdempotencyKey))
	}
	return verifier.NewRequestID(slices.Concat([]string{bearer(r)}, parts, keys)...), nil
}
