package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp/verifier"
)

// queryOf returns the query of an account's page.
func queryOf(name string) url.Values {
	if name == "" {
		return url.Values{}
	}
	return url.Values{"name": {name}}
}

func (s *Server) getAdminAccount(w http.ResponseWriter, r *http.Request) error {
	info, err := s.namedAccount(r, r.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, pages.AccountPage{Account: s.shown(info), Done: s.outcome(r)})
}

// namedAccount records the account that a request is about. The empty name is the default one.
func (s *Server) namedAccount(r *http.Request, name string) (verifier.Info, error) {
	info, err := s.config.Verifier.Show(r.Context(), name)
	if err == nil {
		recordOf(r).account = name
	}
	return info, err
}

// An adminAction changes an account, or says what came of that, and returns the outcome.
type adminAction func(r *http.Request, name string) (flash, error)

func (s *Server) adminActions() map[string]adminAction {
	v := s.config.Verifier
	return map[string]adminAction{
		"unlock":  s.simple(pages.DoneUnlock, v.Unlock),
		"enable":  s.simple(pages.DoneEnable, v.Unlock),
		"disable": s.simple(pages.DoneDisable, v.Disable),
		"link":    s.rekey(pages.DoneLink, false),
		"rekey":   s.rekey(pages.DoneRekey, false),
		"revoke":  s.rekey(pages.DoneRevoke, true),
		"codes":   s.linkToCodes,
		"check":   s.checkCaller,
	}
}

func (s *Server) simple(key string, change func(context.Context, string) error) adminAction {
	return func(r *http.Request, name string) (flash, error) {
		return flash{Outcome: pages.Outcome{Key: key, Name: name}}, change(r.Context(), name)
	}
}

func (s *Server) rekey(key string, revoke bool) adminAction {
	return func(r *http.Request, name string) (flash, error) {
		if err := s.mayLink(name); err != nil {
			return flash{}, err
		}
		e, err := s.config.Verifier.Rekey(r.Context(), name, revoke)
		return linkFlash(key, e), err
	}
}

// mayLink returns why an account's owner can be given no link.
func (s *Server) mayLink(name string) error {
	switch {
	case name == "": // the .env has the default account
		return errNoPage
	case !s.linksAreMade():
		return errNoLinks
	}
	return nil
}

// linkToCodes makes a link: the codes are for their owner's eyes.
func (s *Server) linkToCodes(r *http.Request, name string) (flash, error) {
	if err := s.mayLink(name); err != nil {
		return flash{}, err
	}
	l, err := s.config.Verifier.RecoveryLink(r.Context(), name)
	done := pages.Outcome{Key: pages.DoneCodes, Name: name, ForCode: true}
	return flash{Outcome: done, Token: l.Token, Until: l.Until}, err
}

// checkCaller tells nothing of the phone's clock: whoever calls may be a guesser.
func (s *Server) checkCaller(r *http.Request, name string) (flash, error) {
	verdict, err := s.config.Verifier.Check(r.Context(), attemptOf(name, r.PostForm.Get("code")))
	if err != nil {
		return flash{}, err
	}
	recordOf(r).decided(verdict)
	done := pages.Outcome{Key: pages.Checked(verdict), Name: name, Bad: !verdict.Valid, Wait: api.Seconds(verdict.RetryAfter), N: verdict.RecoveryLeft}
	return flash{Outcome: done}, nil
}

// getAdminConfirm asks before a change that no click undoes.
func (s *Server) getAdminConfirm(w http.ResponseWriter, r *http.Request) error {
	return s.showConfirm(w, r, r.URL.Query().Get("name"), false)
}

func (s *Server) showConfirm(w http.ResponseWriter, r *http.Request, name string, typed bool) error {
	info, err := s.namedAccount(r, name)
	if err != nil {
		return err
	}
	action, status := r.PathValue("action"), http.StatusOK
	switch {
	case action != "remove" && action != "disable" && action != "revoke", name == "" && action != "disable":
		return errNoPage
	case typed:
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, r, status, pages.Confirm{Account: s.shown(info), Action: action, Typed: typed})
}

// postAdminAccount changes an account and redirects to its page, or to the list that the form
// was on.
func (s *Server) postAdminAccount(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	if !r.PostForm.Has("name") { // the empty name is the default account's, which nobody may disable by a slip
		return badRequest("the form names no account")
	}
	name := r.PostForm.Get("name")
	if r.PathValue("action") == "remove" {
		return s.removeAccount(w, r, name)
	}
	act, ok := s.adminActions()[r.PathValue("action")]
	if !ok {
		return errNoPage
	}
	if _, err := s.namedAccount(r, name); err != nil {
		return err
	}
	done, err := act(r, name)
	if err != nil {
		return err
	}
	if r.PostForm.Has("list") && done.Token == "" {
		return s.redirectDone(w, r, "../../admin", listValues(r.PostForm.Get("list")), done)
	}
	return s.redirectDone(w, r, "../account", queryOf(name), done)
}

// listValues returns the query of a list as readAdminList reads it, so that a form leads nowhere
// else.
func listValues(query string) url.Values {
	values, _ := url.ParseQuery(strings.TrimPrefix(query, "?"))
	q := readAdminList(values)
	return pages.Accounts{Prefix: q.Prefix, Filter: q.Only, From: q.From}.Values()
}

func (s *Server) removeAccount(w http.ResponseWriter, r *http.Request, name string) error {
	if name == "" {
		return errNoPage
	}
	if strings.TrimSpace(r.PostForm.Get("typed")) != name {
		return s.showConfirm(w, r, name, true)
	}
	recordOf(r).account = name
	if err := s.config.Verifier.Remove(r.Context(), name); err != nil {
		return err
	}
	return s.redirectDone(w, r, "../../admin", url.Values{}, flash{Outcome: pages.Outcome{Key: pages.DoneRemove, Name: name}})
}

// refusedChange returns the key of why an account was not changed.
func refusedChange(err error) (key string, ok bool) {
	switch {
	case errors.Is(err, errNoLinks):
		return pages.NoLinks, true
	case errors.Is(err, verifier.ErrNoKey):
		return pages.NoEncryptionKey, true
	case errors.Is(err, verifier.ErrSteam):
		return pages.SteamKey, true
	case errors.Is(err, verifier.ErrPending):
		return pages.NotConfirmed, true
	case errors.Is(err, verifier.ErrKeyPending):
		return pages.KeyPending, true
	}
	return "", false
}
