package servertest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"totpctl/server"
)

// A Held is a server whose answers are held to its OpenAPI document.
type Held struct {
	*server.Server
	contract contract
	t        testing.TB
}

// ServeHTTP implements http.Handler. It fails the test if the document does not allow the
// answer.
func (h Held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := exchange{ResponseWriter: w, request: r}
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &e.asked), r.Body}
	}
	h.Server.ServeHTTP(&e, r)
	h.hold(e)
}

// HoldAnswer does for an answer what ServeHTTP does, where a test asks Server.Serve.
func (h Held) HoldAnswer(r *http.Request, a *http.Response, text []byte) {
	h.t.Helper()
	e := exchange{request: r, status: a.StatusCode, header: a.Header}
	e.told.Write(text)
	h.hold(e)
}

func (h Held) hold(e exchange) {
	h.t.Helper()
	if e.forPerson() {
		return
	}
	if err := h.contract.check(e); err != nil {
		h.t.Errorf("%s %s %s was answered with %d %s, which openapi.json does not allow: %v", e.request.Method, e.request.URL, &e.asked, e.status, bytes.TrimSpace(e.told.Bytes()), err)
	}
}

// An exchange is a request and its answer. It is the http.ResponseWriter that the server
// writes to, and passes all on.
type exchange struct {
	http.ResponseWriter
	request     *http.Request
	status      int
	header      http.Header // as it was sent
	asked, told bytes.Buffer
}

// forPerson reports whether the answer is a web page for a request that asks for one. The
// document is about what programs are told.
func (e *exchange) forPerson() bool {
	asks := e.request.Header.Get("Sec-Fetch-Mode") == "navigate" || strings.Contains(e.request.Header.Get("Accept"), "text/html")
	return asks && e.header.Get("Content-Type") == "text/html; charset=utf-8"
}

// WriteHeader implements http.ResponseWriter.
func (e *exchange) WriteHeader(status int) {
	if e.status == 0 {
		e.status, e.header = status, e.Header().Clone()
	}
	e.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (e *exchange) Write(text []byte) (int, error) {
	if e.status == 0 {
		e.status, e.header = http.StatusOK, e.Header().Clone()
	}
	e.told.Write(text)
	return e.ResponseWriter.Write(text)
}

// Unwrap is for http.ResponseController.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// text returns the answer's body as it was before compression.
func (e exchange) text() ([]byte, error) {
	if e.header.Get("Content-Encoding") != "gzip" || e.told.Len() == 0 {
		return e.told.Bytes(), nil
	}
	z, err := gzip.NewReader(&e.told)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func body(text []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(text)) }
