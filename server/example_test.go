package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"totpctl/server"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// A store, the verifier that decides on its accounts, and the server that asks the
// verifier.
func ExampleNew() {
	folder, err := os.MkdirTemp("", "totpctl-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	store, err := sqlstore.Open(context.Background(), sqlstore.Config{
		URL: "sqlite:" + filepath.Join(folder, "totpctl.db"), EncryptionKeys: [][]byte{bytes.Repeat([]byte("k"), 32)},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	key, err := totp.GenerateKey(totp.DefaultScheme())
	if err != nil {
		log.Fatal(err)
	}
	entry := totp.Entry{Issuer: "ACME", Account: "alice", Key: key}
	v, err := verifier.New(verifier.Config{Store: store, Clock: time.Now, Key: key, Skew: totp.DefaultSkew, New: totp.DefaultScheme(), Issuer: "ACME"})
	if err != nil {
		log.Fatal(err)
	}
	s, err := server.New(server.Config{
		Verifier: v, Entry: entry, Bearers: []string{"open-sesame"}, Clock: time.Now,
		PublicURL: &url.URL{Scheme: "https", Host: "totp.example.com"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}

	ask := httptest.NewRequest("POST", "/check", strings.NewReader(`{"code":"hunter2"}`))
	ask.Header.Set("Authorization", "Bearer open-sesame")
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, ask)
	text, _ := io.ReadAll(answer.Body)
	fmt.Print(answer.Code, " ", string(text))
	// Output: 200 {"status":false,"reason":"malformed"}
}
