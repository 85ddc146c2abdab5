package server

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"totpctl/totp/qrcode"
	"totpctl/totp/verifier"
)

// The size of a page of accounts.
const (
	defaultPage = 100
	maxPage     = 1000
)

// administered lets only requests through that carry the admin bearer; one that
// may check codes gets 403.
func (s *Server) administered(next func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return s.authorized(func(w http.ResponseWriter, r *http.Request) {
		if !s.admin().allow(bearer(r)) {
			challenge(w, r, insufficientScope)
			writeError(w, problem{http.StatusForbidden, "this bearer may check codes only"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := next(w, r); err != nil {
			writeError(w, err)
		}
	})
}

// An AccountBody is a verifier.Info as HTTP and the command line spell it.
type AccountBody struct {
	Account      string          `json:"account"`
	Status       verifier.Status `json:"status"`
	Created      time.Time       `json:"created"`
	Failures     int             `json:"failures"`
	WaitUntil    *time.Time      `json:"wait_until,omitempty"`
	PendingUntil *time.Time      `json:"pending_until,omitempty"`
	RecoveryLeft int             `json:"recovery_codes_left"`
	RefusedUntil *time.Time      `json:"codes_refused_until,omitempty"` // as one was accepted while the clock was ahead
}

// NewAccountBody returns what may be told of an account.
func NewAccountBody(i verifier.Info) AccountBody {
	return AccountBody{i.Name, i.Status, i.Created, i.Failures, optional(i.WaitUntil), optional(i.PendingUntil), i.RecoveryLeft, optional(i.RefusedUntil)}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// An EnrolmentBody is the one answer that has an account's secret in it.
type EnrolmentBody struct {
	Account      string    `json:"account"`
	URI          string    `json:"uri"`
	QR           string    `json:"qr_svg,omitempty"` // left out where the names are too long for one
	PendingUntil time.Time `json:"pending_until"`
	EnrolURL     string    `json:"enrol_url,omitempty"`
}

// NewEnrolmentBody returns what the owner of a pending key needs. The public URL
// is how people reach the server.
func NewEnrolmentBody(e verifier.Enrolment, public *url.URL) EnrolmentBody {
	svg, err := qrcode.SVG(e.Entry.URI(), qrTitle)
	if err != nil { // the names are too long: the URI serves
		svg = ""
	}
	return EnrolmentBody{e.Account, e.Entry.URI(), svg, e.Until, enrolLink(public, e.Token)}
}

// enrolLink is the link that an administrator sends to the owner of a pending
// key; "" unless the server is reached by https or on loopback, because what the
// page shows must not cross a network in the clear.
func enrolLink(public *url.URL, token string) string {
	if public.Scheme != "https" && !isLoopback(public) {
		return ""
	}
	return public.JoinPath("enrol", token).String()
}

func (s *Server) postAccounts(w http.ResponseWriter, r *http.Request) error {
	body, err := readStrings(r.Body, "account")
	if err != nil {
		return err
	}
	name, err := verifier.ParseNewAccount(body["account"])
	if err != nil {
		return err
	}
	e, err := s.config.Verifier.Add(r.Context(), name)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, NewEnrolmentBody(e, s.config.PublicURL))
	return nil
}

func (s *Server) getAccounts(w http.ResponseWriter, r *http.Request) error {
	from, limit, err := readPage(r.URL.RawQuery)
	if err != nil {
		return err
	}
	found, next, err := s.config.Verifier.List(r.Context(), from, limit)
	if err != nil {
		return err
	}
	body := struct {
		Accounts []AccountBody `json:"accounts"`
		Next     string        `json:"next,omitempty"` // the from of the next page
	}{Accounts: []AccountBody{}, Next: next}
	for _, i := range found {
		body.Accounts = append(body.Accounts, NewAccountBody(i))
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

func readPage(query string) (from string, limit int, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", 0, badRequest("query is malformed")
	}
	limit = defaultPage
	for name, v := range values {
		switch {
		case name == "from" && len(v) == 1:
			from = v[0]
		case name == "limit" && len(v) == 1:
			limit, err = strconv.Atoi(v[0])
		default:
			return "", 0, badRequest("unknown or repeated parameter: only from and limit are known")
		}
	}
	if _, bad := verifier.ParseAccount(from); from != "" && bad != nil {
		return "", 0, badRequest("from: " + bad.Error())
	}
	if err != nil || limit < 1 || limit > maxPage {
		return "", 0, badRequest("limit is not 1 to 1000")
	}
	return from, limit, nil
}

func (s *Server) getAccount(w http.ResponseWriter, r *http.Request) error {
	info, err := s.config.Verifier.Show(r.Context(), r.PathValue("account"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, NewAccountBody(info))
	return nil
}

func (s *Server) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	if err := s.config.Verifier.Remove(r.Context(), r.PathValue("account")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) postConfirm(w http.ResponseWriter, r *http.Request) error {
	body, err := readStrings(r.Body, "code")
	if err != nil {
		return err
	}
	if _, ok := body["code"]; !ok {
		return badRequest("code is missing")
	}
	request, err := requestID(r, "confirm", r.PathValue("account"), body["code"])
	if err != nil {
		return err
	}
	verdict, codes, err := s.config.Verifier.Confirm(r.Context(), r.PathValue("account"), body["code"], request)
	if err != nil {
		return err
	}
	writeVerdict(w, verdict, codes, http.StatusTooManyRequests)
	return nil
}

func (s *Server) postRekey(w http.ResponseWriter, r *http.Request) error {
	revoke, err := readFlag(r.Body, "revoke")
	if err != nil {
		return err
	}
	e, err := s.config.Verifier.Rekey(r.Context(), r.PathValue("account"), revoke)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, NewEnrolmentBody(e, s.config.PublicURL))
	return nil
}

func (s *Server) postRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	if err := readNothing(r.Body); err != nil {
		return err
	}
	codes, err := s.config.Verifier.RecoveryCodes(r.Context(), r.PathValue("account"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Codes []string `json:"recovery_codes"`
	}{codes})
	return nil
}

func (s *Server) postUnlock(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, s.config.Verifier.Unlock)
}

func (s *Server) postDisable(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, s.config.Verifier.Disable)
}

// change answers with the account as it is afterwards.
func (s *Server) change(w http.ResponseWriter, r *http.Request, f func(context.Context, string) error) error {
	if err := readNothing(r.Body); err != nil {
		return err
	}
	if err := f(r.Context(), r.PathValue("account")); err != nil {
		return err
	}
	return s.getAccount(w, r)
}
