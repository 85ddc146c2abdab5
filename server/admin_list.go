package server

import (
	"net/http"
	"net/url"

	"totpctl/server/pages"
	"totpctl/totp/verifier"
)

// adminPageRows is how many accounts a page of the list has.
const adminPageRows = 100

// readAdminList reads the query of the list. What it can't read finds nothing: people type it.
func readAdminList(values url.Values) (q verifier.Query) {
	q = verifier.Query{Prefix: values.Get("prefix"), From: values.Get("from"), Default: true}
	if filter, err := verifier.ParseFilter(values.Get("status")); err == nil {
		q.Only = filter
	}
	if _, err := verifier.ParseAccount(q.From); err != nil {
		q.From = ""
	}
	return q
}

func (s *Server) getAdmin(w http.ResponseWriter, r *http.Request) error {
	q := readAdminList(r.URL.Query())
	p := pages.Accounts{Prefix: q.Prefix, Filter: q.Only, From: q.From, Done: s.outcome(r)}
	if verifier.CheckPrefix(q.Prefix) == nil {
		found, next, err := s.config.Verifier.List(r.Context(), q, adminPageRows)
		if err != nil {
			return err
		}
		p.Next = next
		for _, info := range found {
			p.Rows = append(p.Rows, pages.Row{Account: s.shown(info), List: p.Query()})
		}
	}
	return s.render(w, r, http.StatusOK, p)
}

func (s *Server) shown(i verifier.Info) pages.Account {
	return pages.Account{Info: i, Now: s.config.Clock(), Links: s.linksAreMade()}
}

// toAdmin redirects to the list from the path that people type with a slash.
func toAdmin(w http.ResponseWriter, _ *http.Request) error { return seeOther(w, "../admin") }
