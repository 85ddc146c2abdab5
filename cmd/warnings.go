package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"totpctl/cmd/config"
	"totpctl/server/api"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// serve warns of codes that are good for longer, because more guesses fit in and
// whoever has seen a code has longer to use it.
const (
	maxPeriod   = 120 * time.Second
	maxValidity = 300 * time.Second
)

// warnAtStart logs what an operator should know, though the server works.
func (c serveConfig) warnAtStart(ctx context.Context, s *config.Settings, store sqlstore.Store, addr net.Addr, log *slog.Logger) error {
	stored, err := store.Warnings(ctx)
	if err != nil {
		return fmt.Errorf("reading the database's settings: %w", err)
	}
	logWarnings(log, slices.Concat(
		s.Warnings(),
		colonWarnings(s),
		weakBearers(c.bearers.Check),
		c.warnings(addr),
		openFiles(databaseFiles(c.store.URL), ""),
		openFiles(append(s.SecretFiles(), c.certificate.KeyFile), ", or mount it with mode 0400"),
		stored,
	))
	return nil
}

func logWarnings(log *slog.Logger, texts []string) {
	for _, text := range texts {
		log.Warn(text)
	}
}

// adminWarnings tells why nobody can sign in to /admin. The server works without, and the
// account may still be made.
func (c serveConfig) adminWarnings(ctx context.Context, v *verifier.Verifier) []string {
	if c.adminAccount == "" {
		return nil
	}
	if len(c.bearers.Admin) == 0 {
		return []string{"ADMIN_ACCOUNT has no effect because ADMIN_BEARER is not set"}
	}
	if _, err := v.Show(ctx, c.adminAccount); errors.Is(err, verifier.ErrNoAccount) || errors.Is(err, verifier.ErrName) {
		return []string{fmt.Sprintf("nobody can sign in to /admin because ADMIN_ACCOUNT names no account: `totpctl account add %s` makes it", totp.QuoteName(c.adminAccount))}
	}
	return nil
}

// weakBearers warns of short items instead of refusing them, because the prototype's
// BEARER may be one.
func weakBearers(check []string) (warnings []string) {
	for _, bearer := range check {
		if len(bearer) < config.MinBearer {
			warnings = append(warnings, fmt.Sprintf("BEARER has an item of %d characters: with fewer than %d it may be guessed", len(bearer), config.MinBearer))
		}
	}
	return warnings
}

func (c serveConfig) warnings(addr net.Addr) (all []string) {
	all = secretWarnings(c.entry.Key.Secret())
	period := c.entry.Key.Period()
	if good := period * time.Duration(2*c.skew+1); period > maxPeriod || good > maxValidity {
		all = append(all, fmt.Sprintf("codes are good for %d s because TOTP_PERIOD is %d s and TOTP_SKEW is %d: "+
			"whoever sees one has that long to use it first; 30 s and 1 are usual", int(good.Seconds()), int(period.Seconds()), c.skew))
	}
	if why := c.exposed(addr); why != "" {
		all = append(all, "whoever is on the way may read bearers, codes and secrets, because "+why+": "+
			"set TLS_CERT_FILE and TLS_KEY_FILE, or put HTTPS in front and into PUBLIC_URL")
	}
	if c.selfService && !api.HasLinks(c.public(addr)) {
		all = append(all, "there is no page /recover, because PUBLIC_URL is neither https nor this machine's: recovery codes and secrets would cross a network in the clear")
	}
	if addr.Network() == "unix" && c.publicURL == nil {
		all = append(all, "there are no enrolment links and no set-up link, because a unix socket has no address for browsers and PUBLIC_URL is not set")
	}
	return all
}

// exposed returns why plain HTTP leaves this machine, "" where it does not. An https
// PUBLIC_URL promises that a proxy is in front.
func (c serveConfig) exposed(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	switch public := c.publicURL; {
	case public != nil && public.Scheme == "https":
		return ""
	case ok && !tcp.IP.IsLoopback() && c.certificate.CertFile == "":
		return "LISTEN_ADDR is not loopback and there is no TLS"
	case public != nil && !api.Loopback(public.Hostname()):
		return "PUBLIC_URL is http"
	}
	return ""
}

// databaseFiles returns SQLite's files. The write-ahead log is beside the file that a
// link leads to.
func databaseFiles(databaseURL string) []string {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	target, err := filepath.EvalSymlinks(path)
	if !ok || err != nil {
		return nil
	}
	return []string{path, target + "-wal", target + "-shm"}
}

// openFiles returns a warning for each regular file that others may read. or is a way out
// beside chmod. Empty names are skipped.
func openFiles(files []string, or string) (warnings []string) {
	for path, info := range config.RegularFiles(files) {
		if config.OthersMay(info, 0o044) {
			warnings = append(warnings, fmt.Sprintf("others may read %s: run `chmod go= %s`%s", path, path, or))
		}
	}
	return warnings
}
