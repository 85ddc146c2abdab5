package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"totpctl/server"
	"totpctl/server/servertest"
)

func TestARenewedCertificateIsUsedAndABrokenOneIsNot(t *testing.T) {
	c, cert, key, log := loadFirst(t)
	wantSerial(t, c, 1)
	writePair(t, cert, key, 2)
	wantSerial(t, c, 2)
	if err := os.WriteFile(key, []byte("half a"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantSerial(t, c, 2)
	wantSerial(t, c, 2) // strangers begin handshakes
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("the log tells of the broken file in %d lines", n)
	}
	if _, err := server.LoadCertificate(cert, key, nil); err == nil {
		t.Error("a broken pair was loaded at start")
	}
}

// loadFirst writes a pair with the serial number 1, and loads it.
func loadFirst(t *testing.T) (c *server.Certificate, cert, key string, log *servertest.Log) {
	t.Helper()
	dir := t.TempDir()
	cert, key, log = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), &servertest.Log{}
	writePair(t, cert, key, 1)
	c, err := server.LoadCertificate(cert, key, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c, cert, key, log
}

// Files whose times are kept, as rsync --times and some mounts do.
func TestReloadingReadsACertificateWhoseTimeHasNotChanged(t *testing.T) {
	c, cert, key, _ := loadFirst(t)
	info, err := os.Stat(cert)
	if err != nil {
		t.Fatal(err)
	}
	wantReload := func(want bool) {
		t.Helper()
		if changed, err := c.Reload(); changed != want || err != nil {
			t.Errorf("Reload: %t, %v, want %t", changed, err, want)
		}
	}
	wantReload(false)
	writePair(t, cert, key, 2)
	for _, file := range []string{cert, key} {
		if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	wantReload(true)
	wantSerial(t, c, 2)
	wantReload(false)
	if err := os.WriteFile(cert, []byte("half a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reload(); err == nil {
		t.Error("half a certificate was loaded")
	}
	wantSerial(t, c, 2)
}

func TestOnlyAEADSuitesWithForwardSecrecyAreSpoken(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, 1)
	c, err := server.LoadCertificate(cert, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	shake := func(client *tls.Config) error {
		a, b := net.Pipe()
		defer a.Close()
		go tls.Server(b, c.Config()).HandshakeContext(t.Context())
		client.InsecureSkipVerify = true
		return tls.Client(a, client).HandshakeContext(t.Context())
	}
	for _, good := range []*tls.Config{
		{},
		{MaxVersion: tls.VersionTLS12},
		{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}},
	} {
		if err := shake(good); err != nil {
			t.Errorf("version up to %#x with suites %#x: %v", good.MaxVersion, good.CipherSuites, err)
		}
	}
	for _, bad := range []*tls.Config{
		{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}},
	} {
		if shake(bad) == nil {
			t.Errorf("version up to %#x with suites %#x is spoken", bad.MaxVersion, bad.CipherSuites)
		}
	}
}

func wantSerial(t *testing.T, c *server.Certificate, want int64) {
	t.Helper()
	pair, err := c.Config().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil || leaf.SerialNumber.Int64() != want {
		t.Errorf("certificate has serial %v, %v, want %d", leaf.SerialNumber, err, want)
	}
}

// writePair dates the files into the future, one second a serial: file systems
// tell times apart only so finely.
func writePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(serial) * time.Second)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
}
