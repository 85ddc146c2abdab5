package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"totpctl/server/api"
	"totpctl/server/pages"
	"totpctl/totp/verifier"
)

// Bounds on several names at once.
const (
	maxNames     = 1000
	maxNamesBody = 1 << 20 // 1000 names of 128 characters fit, as a browser escapes them
	namesAtATime = 32      // share commits; more would keep verdicts waiting
)

// getAdd shows the form that adds accounts: one by its name, or many by a list of names.
func (s *Server) getAdd(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, pages.Add{Links: s.linksAreMade()})
}

func (s *Server) postAdd(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(r); err != nil {
		return err
	}
	if !s.linksAreMade() {
		return errNoLinks
	}
	if r.PostForm.Has("names") {
		return s.addMany(w, r)
	}
	name := strings.TrimSpace(r.PostForm.Get("name"))
	e, err := s.config.Verifier.Add(r.Context(), name)
	if problem, ok := addProblem(err); ok {
		return s.render(w, r, http.StatusUnprocessableEntity, pages.Add{Name: name, Problem: problem, Links: true})
	}
	if err != nil {
		return err
	}
	recordOf(r).account = name
	return s.redirectDone(w, r, "account", queryOf(name), linkFlash(pages.DoneAdd, e))
}

// addProblem returns the key of what the page says of a name that can't be added.
func addProblem(err error) (key string, ok bool) {
	switch {
	case errors.Is(err, verifier.ErrExists):
		return pages.NameTaken, true
	case errors.Is(err, verifier.ErrName):
		return pages.NameBad, true
	}
	return "", false
}

// addMany answers with a CSV of the names and their links. A name that can't be added has no
// link, and the reason in a third column.
func (s *Server) addMany(w http.ResponseWriter, r *http.Request) error {
	text := r.PostForm.Get("names")
	names := namesIn(text)
	if len(names) == 0 || len(names) > maxNames {
		problem := pages.NoNames
		if len(names) > 0 {
			problem = pages.TooManyNames
		}
		return s.render(w, r, http.StatusUnprocessableEntity, pages.Add{Many: problem, Names: text, Links: true})
	}
	links, err := s.addAll(r.Context(), names)
	if err != nil {
		return err
	}
	var table bytes.Buffer
	writeCells(&table, "name", "link", "problem")
	for i, name := range names {
		writeCells(&table, spreadsheetText(name), links[i].url, links[i].problem)
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="totpctl-links.csv"`)
	w.Write(table.Bytes())
	return nil
}

// namesIn returns the names of a text, one a line, each once.
func namesIn(text string) (names []string) {
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if name := strings.TrimSpace(line); name != "" && !seen[name] {
			seen[name], names = true, append(names, name)
		}
	}
	return names
}

// writeCells writes a line of a CSV (RFC 4180). Each cell is in quotes, because where commas
// are in numbers, spreadsheets part cells at semicolons, too.
func writeCells(table *bytes.Buffer, cells ...string) {
	for i, cell := range cells {
		if i > 0 {
			table.WriteByte(',')
		}
		table.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
	}
	table.WriteString("\r\n")
}

// spreadsheetText keeps a spreadsheet from running a name as a formula. Some read the wide
// characters of East Asian keyboards as the narrow ones.
func spreadsheetText(name string) string {
	if first, _ := utf8.DecodeRuneInString(name); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + name
	}
	return name
}

// A madeLink is what came of one of several names.
type madeLink struct{ url, problem string }

// addAll adds accounts, some at a time. An error that is not about a name ends it; what was added
// before stays, and can be added again as long as nobody has opened its link.
func (s *Server) addAll(ctx context.Context, names []string) ([]madeLink, error) {
	links, errs := make([]madeLink, len(names)), make([]error, len(names))
	var adding sync.WaitGroup
	next := make(chan int)
	for range namesAtATime {
		adding.Go(func() {
			for i := range next {
				links[i], errs[i] = s.addOne(ctx, names[i])
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	adding.Wait()
	return links, cmp.Or(errs...) // one is enough: they are all the store's
}

func (s *Server) addOne(ctx context.Context, name string) (madeLink, error) {
	e, err := s.config.Verifier.Add(ctx, name)
	if _, ok := addProblem(err); ok {
		return madeLink{problem: err.Error()}, nil
	}
	if err != nil {
		return madeLink{}, err
	}
	return madeLink{url: api.EnrolLink(s.config.PublicURL, e.Token)}, nil
}
