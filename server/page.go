package server

import (
	"net/http"

	"totpctl/server/pages"
)

// getApp shows the page for a phone that checks codes.
func (s *Server) getApp(w http.ResponseWriter, r *http.Request) error {
	if err := s.pages.App(w, r); err != nil {
		return internal("showing the page failed", err)
	}
	return nil
}

func (s *Server) getStatic(w http.ResponseWriter, r *http.Request) error {
	if !s.pages.Static(w, r, r.PathValue("file")) {
		return errNoPage
	}
	return nil
}

// getFavicon redirects to the icon: browsers ask for it here where no page names one.
func (s *Server) getFavicon(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Location", s.pages.Icon())
	w.WriteHeader(http.StatusTemporaryRedirect) // the icon's URL changes with its drawing
	return nil
}

// render answers with a web page, or returns an error and has written nothing.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page pages.Page) error {
	if err := s.pages.Render(w, r, status, page); err != nil {
		return internal("showing the page failed", err)
	}
	return nil
}

// showRefusal is render for what answers for an error: its own error is answered in
// JSON.
func (s *Server) showRefusal(w http.ResponseWriter, r *http.Request, status int, page pages.Page) {
	if err := s.render(w, r, status, page); err != nil {
		recordOf(r).err = err
		writeError(w, r, err)
	}
}
