package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"totpctl/totp/sqlstore"
)

// A database belongs to its encryption key: another one does not open it.
func ExampleOpen() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "totpctl")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	config := sqlstore.Config{
		URL:            "sqlite:" + filepath.Join(folder, "totpctl.db"), // or postgres://…
		EncryptionKeys: [][]byte{[]byte("the first of two encryption keys")},
	}
	store, err := sqlstore.Open(ctx, config)
	if err != nil {
		panic(err)
	}
	fmt.Println("new:", store.Fresh() != "")
	for _, warning := range store.Upgraded() { // a program tells them to its operator
		fmt.Println(warning)
	}
	if err := store.Close(); err != nil {
		panic(err)
	}

	config.EncryptionKeys = [][]byte{[]byte("a key that this file never heard")}
	_, err = sqlstore.Open(ctx, config)
	fmt.Println("with another key:", errors.Is(err, sqlstore.ErrKey))
	// Output:
	// new: true
	// with another key: true
}
