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

// A Certificate is a certificate chain and its key in two PEM files. It reads them again
// when either changes, so that their renewal needs no restart. It is safe for concurrent
// use.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	changed [2]time.Time
	loaded  *tls.Certificate
	told    string // the error that the log was told last, "" after a success
}

// LoadCertificate reads the files, which must be regular ones: a pipe can't be read again,
// and may never end. Errors of reading them again go to the log.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	return c, c.refresh()
}

// Reload reads the files, whether or not their times have changed, and reports whether
// they hold another certificate than before. After an error it keeps the one of before.
func (c *Certificate) Reload() (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.loaded
	if err := c.load(); err != nil {
		return false, err
	}
	return !slices.EqualFunc(before.Certificate, c.loaded.Certificate, bytes.Equal), nil
}

// aeadSuites are the cipher suites of TLS 1.2 that RFC 9325 section 4.2 recommends. All
// suites of TLS 1.3 are of this kind.
var aeadSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Config returns the configuration of a listener: TLS 1.2 or later, with suites that
// have forward secrecy and AEAD alone.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   aeadSuites,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
}

// NotAfter returns when the certificate ends.
func (c *Certificate) NotAfter() time.Time { return c.current().Leaf.NotAfter }

// current returns the certificate of before while the files are no pair, because a
// renewal writes them one after the other. The log is told once of each error, because
// strangers begin handshakes.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := ""
	if err := c.refresh(); err != nil {
		told = err.Error()
	}
	if told != "" && told != c.told {
		c.log.Warn("keeping the old certificate", "error", told)
	}
	c.told = told
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

// load takes the files' times before it reads them, so that what is written meanwhile is
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
		if !info.Mode().IsRegular() {
			return changed, fmt.Errorf("reading certificate: %s is no regular file", file)
		}
		changed[i] = info.ModTime()
	}
	return changed, nil
}
