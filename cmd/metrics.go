package cmd

import (
	"context"
	"net"

	"totpctl/cmd/config"
	"totpctl/server"
	"totpctl/server/metrics"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// A metricsServer serves the metrics of serve. The zero one has none.
type metricsServer struct {
	metrics  *metrics.Metrics
	listener net.Listener
}

// listenMetrics returns the zero metricsServer without an address.
func (p program) listenMetrics(ctx context.Context, addr string, log *serveLog) (metricsServer, error) {
	if addr == "" {
		return metricsServer{}, nil
	}
	l, err := listen(ctx, config.MetricsAddr.Info, addr)
	if err != nil {
		return metricsServer{}, err
	}
	m := metrics.New(metrics.Config{Clock: p.clock, Version: build(), Start: p.clock(), LogLost: log.writer.lostLines})
	return metricsServer{m, l}, nil
}

// Close stops listening.
func (n metricsServer) Close() error {
	if n.listener == nil {
		return nil
	}
	return n.listener.Close()
}

// serve answers scrapes in the background until ctx ends.
func (n metricsServer) serve(ctx context.Context, r *reloader, store sqlstore.Store, v *verifier.Verifier) {
	if n.metrics == nil {
		return
	}
	n.metrics.WatchStore(store.Waiting, v.StoreReady)
	if r.certificate != nil {
		n.metrics.WatchCertificate(r.certificate.NotAfter)
	}
	r.log.Info("metrics are served", "url", "http://"+n.listener.Addr().String()+"/metrics")
	go func() {
		if err := n.metrics.Serve(ctx, n.listener, r.server.ErrorLog()); err != nil {
			r.log.Error("metrics are no longer served: verdicts go on", "error", err.Error())
		}
	}()
}

// measured returns the store with its calls measured, where there are metrics.
func (p program) measured(s verifier.Store) verifier.Store {
	if p.metrics == nil {
		return s
	}
	return p.metrics.Store(s)
}

// meter returns who is told of requests, nil where there are no metrics.
func (p program) meter() server.Meter {
	if p.metrics == nil {
		return nil
	}
	return p.metrics
}
