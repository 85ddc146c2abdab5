package metrics

import (
	"bytes"
	"context"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits on what a scrape may take.
const (
	maxHeader    = 8 << 10
	readTimeout  = 5 * time.Second
	writeTimeout = 10 * time.Second
	idleTimeout  = 2 * time.Minute // scrapes are often a minute apart
	askTimeout   = 3 * time.Second // of the database; Prometheus waits 10 s for an answer
)

// Serve answers on l until ctx ends. net/http's errors go to errorLog.
func (m *Metrics) Serve(ctx context.Context, l net.Listener, errorLog *log.Logger) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m)
	h := &http.Server{
		Handler: mux, ErrorLog: errorLog, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	defer context.AfterFunc(ctx, func() { h.Close() })()
	if err := h.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.ask(context.WithoutCancel(r.Context())) // another scrape may share the answer
	var text bytes.Buffer
	m.write(&text)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(text.Bytes())
}

// ask finds out what a scrape is told of the store and the audit log.
func (m *Metrics) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	m.mu.RLock()
	states := m.states
	m.mu.RUnlock()
	var all sync.WaitGroup
	for _, s := range states {
		all.Go(func() {
			up := int64(1)
			if s.ok(ctx) != nil {
				up = 0
			}
			s.value.Store(up)
		})
	}
	all.Wait()
}
