package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// account returns the account that the path names, and records it.
func account(r *http.Request) string {
	name := r.PathValue("account")
	recordOf(r).account = name
	return name
}

func (s *Server) getAccounts(w http.ResponseWriter, r *http.Request) error {
	query, limit, err := readPage(r.URL.RawQuery)
	if err != nil {
		return err
	}
	found, next, err := s.config.Verifier.List(r.Context(), query, limit)
	if err != nil {
		return err
	}
	page := api.Page{Accounts: make([]api.Account, len(found)), Next: next}
	for i, info := range found {
		page.Accounts[i] = api.AccountOf(info)
	}
	return writeJSON(w, http.StatusOK, page)
}

func readPage(query string) (q verifier.Query, limit int, err error) {
	values, err := readQuery(query, "from", "limit", "prefix", "status")
	if err != nil {
		return q, 0, err
	}
	q = verifier.Query{From: values["from"], Prefix: values["prefix"], Default: true}
	if _, bad := verifier.ParseAccount(q.From); q.From != "" && bad != nil {
		return q, 0, badRequest("from: " + bad.Error())
	}
	if bad := verifier.CheckPrefix(q.Prefix); bad != nil {
		return q, 0, badRequest("prefix: " + bad.Error())
	}
	if text, ok := values["status"]; ok {
		if q.Only, err = verifier.ParseFilter(text); err != nil {
			return q, 0, badRequest("status: " + err.Error())
		}
	}
	limit = api.DefaultPage
	if text, ok := values["limit"]; ok {
		limit, err = strconv.Atoi(text)
	}
	if err != nil || limit < 1 || limit > api.MaxPage {
		return q, 0, badRequest(fmt.Sprintf("limit is not 1 to %d", api.MaxPage))
	}
	return q, limit, nil
}

// getAccount tells a bearer of scope check the status alone: whether to ask for a code, and
// nothing that says how near a guesser is.
func (s *Server) getAccount(w http.ResponseWriter, r *http.Request) error {
	info, err := s.config.Verifier.Show(r.Context(), account(r))
	if err != nil {
		return err
	}
	if recordOf(r).scope < scopeAdmin {
		return writeJSON(w, http.StatusOK, api.AccountStatus{Status: info.Status})
	}
	return writeJSON(w, http.StatusOK, api.AccountOf(info))
}

func (s *Server) deleteAccount(w http.ResponseWriter, r *http.Request) error {
	if err := s.config.Verifier.Remove(r.Context(), account(r)); err != nil {
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
	name := account(r)
	request, err := requestID(r, "confirm", name, body["code"])
	if err != nil {
		return err
	}
	verdict, codes, err := s.config.Verifier.Confirm(r.Context(), name, body["code"], request)
	if err != nil {
		return err
	}
	return writeVerdict(w, r, verdict, codes)
}

func (s *Server) postRekey(w http.ResponseWriter, r *http.Request) error {
	revoke, err := readFlag(r.Body, "revoke")
	if err != nil {
		return err
	}
	e, err := s.config.Verifier.Rekey(r.Context(), account(r), revoke)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, api.EnrolmentOf(e, s.config.PublicURL))
}

func (s *Server) postRecoveryCodes(w http.ResponseWriter, r *http.Request) error {
	link, err := readFlag(r.Body, "link")
	if err != nil {
		return err
	}
	if link {
		return s.makeRecoveryLink(w, r)
	}
	codes, err := s.config.Verifier.RecoveryCodes(r.Context(), account(r))
	if err != nil {
		return refusedSteam(err)
	}
	return writeJSON(w, http.StatusOK, api.RecoveryCodes{Codes: codes})
}

// makeRecoveryLink answers with a link: the codes are for its owner's eyes.
func (s *Server) makeRecoveryLink(w http.ResponseWriter, r *http.Request) error {
	if !s.linksAreMade() {
		return errNoLinks
	}
	l, err := s.config.Verifier.RecoveryLink(r.Context(), account(r))
	if err != nil {
		return refusedSteam(err)
	}
	return writeJSON(w, http.StatusOK, api.RecoveryLinkOf(l, s.config.PublicURL))
}

// refusedSteam returns a bad request for ErrSteam, and any other error as it is.
func refusedSteam(err error) error {
	if errors.Is(err, verifier.ErrSteam) {
		return badRequest(err.Error())
	}
	return err
}

// change returns a handler that calls f with the account that the path names, and answers with
// the account as f leaves it.
func (s *Server) change(f func(context.Context, string) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := readNothing(r.Body); err != nil {
			return err
		}
		if err := f(r.Context(), account(r)); err != nil {
			return err
		}
		return s.getAccount(w, r)
	}
}
