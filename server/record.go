package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"totpctl/server/proxy"
	"totpctl/totp/verifier"
)

// A record is what came of a request. Every request has one, in its context; handlers
// fill it and the request log reads it.
type record struct {
	status  int
	origin  verifier.Origin // who asked, as the audit log names it; By is "" for strangers
	scope   scope           // of the bearer
	account string          // whom it was about; with a verdict, "" is the default account. Never logged
	verdict string          // "valid" or a reason; "" without a verdict
	free    bool            // the verdict has cost its caller nothing: see verifier.Event
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
	rec.verdict, rec.free = string(v.Reason), !v.Valid && v.Reason != verifier.ReasonInvalid
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
		if s.config.Meter != nil {
			s.config.Meter.RequestBegins()
		}
		from := verifier.Origin{Client: s.config.Proxies.Client(r), RequestID: s.config.Proxies.RequestID(r)}
		both := &recorder{ResponseWriter: w, record: record{status: http.StatusOK, origin: from}}
		rec := &both.record
		r = r.WithContext(verifier.WithOrigin(context.WithValue(r.Context(), recordKey{}, rec), &rec.origin))
		w.Header()[proxy.HeaderRequestID] = []string{rec.origin.RequestID}
		broken := guard(next, both, r)
		if rec.status == http.StatusServiceUnavailable && errors.Is(r.Context().Err(), context.Canceled) {
			rec.status = statusCallerLeft
		}
		took := s.config.Clock().Sub(begin)
		if s.config.Meter != nil {
			s.config.Meter.RequestEnds(routeOf(r), method(r), rec.status, took)
		}
		s.logRequest(rec, r, float64(took.Microseconds())/1000)
		if broken {
			panic(http.ErrAbortHandler)
		}
	})
}

// guard calls the handler. A panic is a fault of ours: its request is answered with 500,
// and the log has the stack. guard reports whether an answer had begun before the panic, so
// that the connection must be closed.
func guard(next http.Handler, w *recorder, r *http.Request) (broken bool) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		broken = w.begun
		w.record.status = http.StatusInternalServerError
		w.record.err = fmt.Errorf("panic: %v: %s", p, debug.Stack())
		if !broken {
			writeError(w, r, problem{http.StatusInternalServerError, "the server has met a fault of its own"})
		}
	}()
	next.ServeHTTP(w, r)
	return false
}

// limitOf returns what bounds the log lines of requests such as this one, and the kind that they
// are counted under. It returns nil for a request that always has its line: a charged verdict, a
// change by a caller with a bearer or a link, and a 500 for such a caller. A 503 is bounded for
// all callers: it charges nobody, and a full disk of the audit log may be that of the log.
func (s *Server) limitOf(rec *record) (l *logLimit, kind string) {
	stranger, kind := rec.isStranger(), strconv.Itoa(rec.status)
	switch {
	case rec.status >= http.StatusInternalServerError && stranger:
		return &s.limits.failures, kind
	case rec.status == http.StatusServiceUnavailable:
		return &s.limits.outage, kind
	case rec.status >= http.StatusInternalServerError, rec.verdict != "" && !rec.free:
		return nil, ""
	case rec.verdict != "":
		return &s.limits.refusals, rec.verdict
	case rec.status >= http.StatusBadRequest || stranger:
		return &s.limits.refusals, kind
	}
	return nil, ""
}

// isStranger reports whether anybody could have sent the request. A link or a recovery code
// counts only after it has led to an account.
func (rec *record) isStranger() bool {
	by := rec.origin.By
	return by == "" || rec.account == "" && (by == byLink || by == byRecover)
}

// levelOf returns slog.LevelDebug for good answers about the server's health, because
// something asks every few seconds.
func (rec *record) levelOf(r *http.Request) slog.Level {
	switch {
	case rec.status >= http.StatusInternalServerError:
		return slog.LevelError
	case rec.status == http.StatusOK && (strings.HasSuffix(r.Pattern, " /healthz") || strings.HasSuffix(r.Pattern, " /readyz")):
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// logRequest names the route by its pattern, never by the path or the query: those may hold
// a code or a token.
func (s *Server) logRequest(rec *record, r *http.Request, milliseconds float64) {
	level := rec.levelOf(r)
	if !s.config.Log.Enabled(r.Context(), level) {
		return
	}
	if l, kind := s.limitOf(rec); l != nil && !l.take(kind) {
		return
	}
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
	if level == slog.LevelError && rec.err != nil {
		attrs = append(attrs, slog.String("error", rec.err.Error()))
	}
	s.config.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// routeOf returns the path of the pattern that a request matches: "/" if it matches none.
func routeOf(r *http.Request) string {
	return cmp.Or(r.Pattern[strings.LastIndexByte(r.Pattern, ' ')+1:], "/")
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
	begun  bool // something was written
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.record.status, r.begun = status, true
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(text []byte) (int, error) {
	r.begun = true
	return r.ResponseWriter.Write(text)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
