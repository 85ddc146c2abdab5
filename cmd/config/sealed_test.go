package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
)

func sealedWith(t *testing.T, factor int, value string) string {
	t.Helper()
	r, err := age.NewScryptRecipient("horse")
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(factor)
	var file bytes.Buffer
	w, err := age.Encrypt(&file, r)
	if err == nil {
		_, err = io.WriteString(w, value)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return sealedPrefix + base64.StdEncoding.EncodeToString(file.Bytes())
}

func TestEachItemOfAListIsSealedAndOpened(t *testing.T) {
	sealed, err := Seal("first, second", "horse")
	if err != nil {
		t.Fatal(err)
	}
	if items := strings.Split(sealed, ","); len(items) != 2 || strings.ContainsAny(sealed, "\n\"'$\\` ") || strings.Contains(sealed, "first") {
		t.Fatalf("%q is not two sealed items that a .env takes as they are", sealed)
	}
	for text, want := range map[string]string{sealed: "first,second", "plain, " + sealed: "plain,first,second"} {
		got, err := eachItem(text, func(item string) (string, error) { return open(item, "horse") })
		if got != want || err != nil || !isSealed(text) {
			t.Errorf("%q opens as %q, %v", text, got, err)
		}
	}
}

// Whoever gets a .env read could take all memory with 2^30.
func TestACostlierWorkFactorThanOursIsRefused(t *testing.T) {
	if _, err := open(sealedWith(t, workFactor+1, "secret"), "horse"); !errors.Is(err, errDamaged) {
		t.Error(err)
	}
	if got, err := open(sealedWith(t, 1, "secret"), "horse"); got != "secret" || err != nil {
		t.Errorf("a cheaper one opens as %q, %v", got, err)
	}
}

func TestACutOrDamagedValueNeverOpens(t *testing.T) {
	sealed := sealedWith(t, 1, "secret")
	if _, err := open(sealed, "horses"); !errors.Is(err, errPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	for i := len(sealedPrefix); i < len(sealed); i += 5 {
		if got, err := open(sealed[:i], "horse"); !errors.Is(err, errDamaged) {
			t.Errorf("cut to %d of %d bytes it opens as %q, %v", i, len(sealed), got, err)
		}
		damaged := []byte(sealed)
		damaged[i] ^= 1
		if got, err := open(string(damaged), "horse"); err == nil {
			t.Errorf("with byte %d changed it opens as %q", i, got)
		}
	}
}
