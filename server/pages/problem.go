package pages

import "net/http"

// Problem answers for an error where a person has asked for a page.
type Problem struct {
	Status int
	Code   string // of the error, as programs read it
}

func (Problem) template() string { return "problem.html" }

// Heading returns the key of the heading.
func (p Problem) Heading() string {
	switch p.Status {
	case http.StatusNotFound:
		return "problem.not-found"
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed:
		return "problem.programs"
	case http.StatusServiceUnavailable:
		return "problem.unavailable"
	case http.StatusInternalServerError:
		return "problem.fault"
	}
	return "problem.request"
}
