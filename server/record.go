package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"totpctl/server/proxy"
	"totpctl/totp/verifier"
)

// A record is what came of a request. Every request has one, in its context; handlers
// fill it and the request log reads it.
type record struct {
	status  int
	origin  verifier.Origin // who asked, as the audit log names it; By is "" for strangers
	account string          // whom it was about; with a verdict, "" is the default account. Never logged
	verdict string          // "valid" or a reason; "" without a verdict
	err     error           // why there is no other answer
}

type recordKey struct{}

// recordOf returns the record of a request.
func recordOf(r *http.Request) *record {
	rec, ok := r.Context().Value(recordKey{}).(*record)
	if !ok { // in a handler's own test
		return &record{}
	}
	return rec
}

// decided records a verdict.
func (rec *record) decided(v verifier.Verdict) {
	rec.verdict = string(v.Reason)
	if v.Valid {
		rec.verdict = "valid"
	}
}

// statusCallerLeft is nginx's, and stands in the log alone: the caller did not wait for
// the answer. That cancelled the work, so its error is not ours.
const statusCallerLeft = 499

// logged gives each request its record, and writes a line about it.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := s.config.Clock()
		both := &recorder{w, record{status: http.StatusOK, origin: verifier.Origin{Client: s.config.Proxies.Client(r), RequestID: s.config.Proxies.RequestID(r)}}}
		rec := &both.record
		r = r.WithContext(verifier.WithOrigin(context.WithValue(r.Context(), recordKey{}, rec), &rec.origin))
		w.Header()[proxy.HeaderRequestID] = []string{rec.origin.RequestID}
		next.ServeHTTP(both, r)
		if rec.status == http.StatusServiceUnavailable && errors.Is(r.Context().Err(), context.Canceled) {
			rec.status = statusCallerLeft
		}
		rec.log(s.config.Log, r, float64(s.config.Clock().Sub(begin).Microseconds())/1000)
	})
}

// log names the route by its pattern, never by the path or the query: those may hold a
// code or a token.
func (rec *record) log(log *slog.Logger, r *http.Request, milliseconds float64) {
	attrs := append(make([]slog.Attr, 0, 8),
		slog.String("method", method(r)),
		slog.String("route", r.Pattern),
		slog.Int("status", rec.status),
		slog.Float64("ms", milliseconds),
		slog.String("client", rec.origin.Client),
		slog.String("request_id", rec.origin.RequestID))
	if rec.verdict != "" {
		attrs = append(attrs, slog.String("verdict", rec.verdict))
	}
	level := slog.LevelInfo
	if rec.status >= http.StatusInternalServerError {
		level = slog.LevelError
		if rec.err != nil {
			attrs = append(attrs, slog.String("error", rec.err.Error()))
		}
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// method keeps what a client invents out of the log.
func method(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE":
		return r.Method
	}
	return "other"
}

// A recorder records the status of an answer.
type recorder struct {
	http.ResponseWriter
	record record
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.record.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
