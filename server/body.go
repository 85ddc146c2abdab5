package server

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
)

// readBody reads a request's body to its end. Its errors are the caller's or the
// network's fault: 400, 408 or 413, never 503.
func readBody(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil, errors.As(err, &tooLarge):
		return text, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, problem{http.StatusRequestTimeout, "body did not come in time"}
	}
	return nil, badRequest("body breaks off, or is not what its headers say")
}

// readForm parses the form in a request's body into r.PostForm.
func readForm(r *http.Request) error {
	text, err := readBody(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	if err := r.ParseForm(); err != nil {
		return badRequest("body is not a form")
	}
	return nil
}
