package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestReadyTellsWhetherAServerGivesVerdicts(t *testing.T) {
	for _, v := range []struct {
		status   int
		location string
		body     string
		ready    bool
		text     string
	}{
		{200, "", `{"status":"ready"}`, true, ""},
		{503, "", `{"error":"store unreachable\u001b[2J","code":"unavailable"}`, false, `store unreachable\x1b[2J`},
		{503, "", `{"status":"ready"}`, false, "the answer is 503, and none of totpctl's"},
		{200, "", `<h1>Log in</h1>`, false, "the answer is none of totpctl's"},
		{302, "/healthy", `{"status":"ready"}`, false, "the answer is 302, and none of totpctl's"},
	} {
		var asked *http.Request
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r
			if v.location != "" {
				w.Header().Set("Location", v.location)
			}
			w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(v.status)
			w.Write([]byte(v.body))
		}))
		r, err := Ready(t.Context(), Config{URL: s.URL + "/below", Bearer: bearer, Clock: time.Now})
		s.Close()
		if err != nil || r.Ready != v.ready || r.Text != v.text || asked.URL.Path != "/below/readyz" || asked.Header.Get("Authorization") != "" {
			t.Errorf("%d %s is %+v, %v, asked by %v", v.status, v.body, r, err, asked)
		}
		if r.ClockOffset == nil || (*r.ClockOffset-time.Hour).Abs() > time.Minute {
			t.Errorf("the clock is ahead by %v", r.ClockOffset)
		}
	}
}

func TestReadyOfNoServerIsAnErrorWithinTheTimeout(t *testing.T) {
	_, err := Ready(t.Context(), Config{URL: "http://127.0.0.1:1", Clock: time.Now})
	wantError(t, err, "asking http://127.0.0.1:1: connection refused", "totpctl serve")
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	defer s.Close()
	defer close(end)
	_, err = Ready(t.Context(), Config{URL: s.URL, Clock: time.Now, Timeout: 50 * time.Millisecond})
	wantError(t, err, "no answer within 50ms", "server up")
}

func TestOffsetIsThatOfTheDate(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead || strings.Contains(r.URL.Path, "none") {
			w.Header()["Date"] = nil
			return
		}
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	}))
	defer s.Close()
	if got, err := Offset(t.Context(), Config{URL: s.URL, Clock: time.Now}); err != nil || (got+time.Hour).Abs() > time.Minute {
		t.Errorf("it is %v, %v", got, err)
	}
	_, err := Offset(t.Context(), Config{URL: s.URL + "/none", Clock: time.Now})
	wantError(t, err, "no Date", "another host")
}

func TestReadyTrustsTheGivenCertificateAlone(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"status":"ready"}`)) })
	s, other := httptest.NewTLSServer(answer), httptest.NewUnstartedServer(answer)
	defer s.Close()
	own, err := tls.X509KeyPair(selfSigned(t))
	if err != nil {
		t.Fatal(err)
	}
	other.TLS = &tls.Config{Certificates: []tls.Certificate{own}}
	other.StartTLS()
	defer other.Close()
	if r, err := Ready(t.Context(), Config{URL: other.URL, Clock: time.Now, Certificate: own.Leaf}); err != nil || !r.Ready {
		t.Errorf("of its own certificate: %+v, %v", r, err)
	}
	_, err = Ready(t.Context(), Config{URL: s.URL, Clock: time.Now, Certificate: own.Leaf})
	wantError(t, err, "certificate is another", "certificate")
	_, err = Ready(t.Context(), Config{URL: other.URL, Clock: time.Now})
	wantError(t, err, "certificate", "SSL_CERT_FILE")
}

// selfSigned returns a certificate that names no host, and its key, in PEM.
func selfSigned(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}
