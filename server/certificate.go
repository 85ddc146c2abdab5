package server

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// A Certificate is a certificate chain and its key in PEM files, which are read
// again when either changes: whatever renews them need not restart the server.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	changed [2]time.Time
	loaded  *tls.Certificate
}

// LoadCertificate reads the files.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	return c, c.refresh()
}

// Reload reads the files, whether their times have changed or not, and reports
// whether they hold another certificate than before. After an error the one
// before is kept.
func (c *Certificate) Reload() (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.loaded
	if err := c.load(); err != nil {
		return false, err
	}
	return !slices.EqualFunc(before.Certificate, c.loaded.Certificate, bytes.Equal), nil
}

// aeadSuites are those of TLS 1.2 that RFC 9325, section 4.2 recommends; those of
// TLS 1.3 are all of this kind.
var aeadSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config is for a listener: TLS 1.2 at least, with forward secrecy and AEAD
// suites alone.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   aeadSuites,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// current goes on with the certificate it has while the files are no pair: they
// are written one after the other.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(); err != nil {
		c.log.Warn("keeping the old certificate", "error", err.Error())
	}
	return c.loaded
}

// refresh reads the files if the time of either has changed.
func (c *Certificate) refresh() error {
	changed, err := c.times()
	if err != nil || c.loaded != nil && changed == c.changed {
		return err
	}
	return c.load()
}

// load takes the files' times before it reads them: what is written meanwhile is
// read the next time.
func (c *Certificate) load() error {
	changed, err := c.times()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading certificate: %w", err)
	}
	c.loaded, c.changed = &pair, changed
	return nil
}

func (c *Certificate) times() (changed [2]time.Time, err error) {
	for i, file := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return changed, err
		}
		changed[i] = info.ModTime()
	}
	return changed, nil
}
