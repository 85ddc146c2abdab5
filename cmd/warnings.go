package cmd

import (
	"context"
	"fmt"
	"log/slog"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
)

// warn logs what an operator should know of a server that works all the same.
func (c serveConfig) warn(ctx context.Context, store sqlstore.Store, log *slog.Logger) error {
	warnings, err := store.Warnings(ctx)
	if err != nil {
		return fmt.Errorf("reading the database's settings: %w", err)
	}
	for _, text := range append(c.warnings(), warnings...) {
		log.Warn(text)
	}
	return nil
}

func (c serveConfig) warnings() (all []string) {
	if bits := c.key.Secret().Bits(); bits < totp.MinSecretBits {
		all = append(all, shortSecret(bits))
	}
	return all
}
