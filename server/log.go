package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
)

// statusCallerLeft is nginx's, and in the log alone: the caller did not wait for
// the answer. Its time of waiting ended the work, so no error of ours is told of.
const statusCallerLeft = 499

// logged writes a line for each request. It names the route's pattern, never the
// path or the query, which may hold a code or a token.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := s.config.Clock()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		if rec.status == http.StatusServiceUnavailable && errors.Is(r.Context().Err(), context.Canceled) {
			rec.status = statusCallerLeft
		}
		level := slog.LevelInfo
		if rec.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		attrs := append(make([]slog.Attr, 0, 8),
			slog.String("method", method(r)),
			slog.String("route", r.Pattern),
			slog.Int("status", rec.status),
			slog.Float64("ms", float64(s.config.Clock().Sub(begin).Microseconds())/1000),
			slog.String("remote", host(r.RemoteAddr)))
		s.config.Log.LogAttrs(r.Context(), level, "request", append(attrs, rec.notes...)...)
	})
}

// method keeps what a client invents out of the log.
func method(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE":
		return r.Method
	}
	return "other"
}

func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

// A recorder remembers what the log tells of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	notes  []slog.Attr
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// note adds something to the log line of the request that w answers.
func note(w http.ResponseWriter, name, value string) {
	if r, ok := w.(*recorder); ok {
		r.notes = append(r.notes, slog.String(name, value))
	}
}
