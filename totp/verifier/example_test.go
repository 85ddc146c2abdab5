package verifier_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// An account is added, its owner's first code confirms it, and each later code is
// good once.
func ExampleVerifier_Check() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "totpctl")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	store, err := sqlstore.Open(ctx, sqlstore.Config{
		URL:            "sqlite:" + filepath.Join(folder, "totpctl.db"),
		EncryptionKeys: [][]byte{[]byte("32 bytes, random ones in earnest")},
	})
	if err != nil {
		panic(err)
	}
	defer store.Close()

	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	v, err := verifier.New(verifier.Config{
		Store:  store,
		Clock:  func() time.Time { return now }, // time.Now in earnest
		Skew:   totp.DefaultSkew,
		New:    totp.DefaultScheme(),
		Issuer: "ACME",
	})
	if err != nil {
		panic(err)
	}

	enrolment, err := v.Add(ctx, "alice")
	if err != nil {
		panic(err)
	}
	phone := enrolment.Entry.Key // an authenticator learns it from Entry.URI
	first, _ := phone.Code(now)
	confirmed, recoveryCodes, err := v.Confirm(ctx, "alice", first, verifier.RequestID{})
	fmt.Println(confirmed.Valid, len(recoveryCodes), err)

	now = now.Add(phone.Period())
	code, _ := phone.Code(now)
	for range 2 {
		verdict, err := v.Check(ctx, verifier.Attempt{Account: "alice", Code: code})
		fmt.Println(verdict.Valid, verdict.Reason, err)
	}
	verdict, err := v.Check(ctx, verifier.Attempt{Account: "alice", RecoveryCode: recoveryCodes[0]})
	fmt.Println(verdict.Valid, verdict.RecoveryLeft, err)
	// Output:
	// true 10 <nil>
	// true  <nil>
	// false replayed <nil>
	// true 9 <nil>
}
