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
	account, err := queryAccount(r.URL.RawQuery)
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
	return writeVerdict(w, r, verdict, nil)
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

// queryAccount returns the account that a query names, "" without one.
func queryAccount(query string) (string, error) {
	values, err := readQuery(query, "account")
	if account, named := values["account"]; named && account == "" {
		return "", badRequest("account is empty: leave it out for the default one")
	}
	return values["account"], err
}

// readQuery reads the named parameters. It refuses others: a misspelt "account" must not
// check the default account's code.
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

func readAttempt(r *http.Request) (verifier.Attempt, error) {
	if r.URL.RawQuery != "" { // or an account there would be overlooked
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
	account, named := body["account"]
	if named && account == "" {
		return verifier.Attempt{}, badRequest("account is empty: leave it out for the default one")
	}
	a := verifier.Attempt{Account: account, Code: code, RecoveryCode: recovery}
	a.Request, err = requestID(r, a.Account, a.Code, a.RecoveryCode)
	return a, err
}

// requestID returns what identifies a request and its repetitions: the bearer, what the
// request asks (the parts) and its Idempotency-Key. It is zero without that header.
func requestID(r *http.Request, parts ...string) (verifier.RequestID, error) {
	keys, ok := r.Header["Idempotency-Key"]
	if !ok {
		return verifier.RequestID{}, nil
	}
	if len(keys) != 1 || len(keys[0]) < api.MinIdempotencyKey || len(keys[0]) > api.MaxIdempotencyKey {
		return verifier.RequestID{}, badRequest(fmt.Sprintf("Idempotency-Key is repeated, or has not %d to %d bytes: make a fresh random one for each attempt",
			api.MinIdempotencyKey, api.MaxIdempotencyKey))
	}
	return verifier.NewRequestID(append(append([]string{bearer(r)}, parts...), keys[0])...), nil
}
