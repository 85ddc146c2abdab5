package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
)

// Codes that are good for longer than this are warned of: the longer, the more
// guesses fit in, and the longer somebody may use what he has seen.
const (
	maxPeriod   = 120 * time.Second
	maxValidity = 300 * time.Second
)

// warn logs what an operator should know of a server that works all the same.
func (c serveConfig) warn(ctx context.Context, s settings, store sqlstore.Store, addr net.Addr, log *slog.Logger) error {
	all := append(s.colonWarnings(), weakBearers(c.bearers)...)
	all = append(all, c.warnings(addr)...)
	all = append(all, openFiles(c.databaseFiles(), "")...)
	all = append(all, openFiles(append(s.secretFiles(), c.keyFile), ", or mount it with mode 0400")...)
	stored, err := store.Warnings(ctx)
	if err != nil {
		return fmt.Errorf("reading the database's settings: %w", err)
	}
	for _, text := range append(all, stored...) {
		log.Warn(text)
	}
	return nil
}

func (c serveConfig) warnings(addr net.Addr) (all []string) {
	if bits := c.entry.Key.Secret().Bits(); bits < totp.MinSecretBits {
		all = append(all, shortSecret(bits))
	}
	period := c.entry.Key.Period()
	if good := period * time.Duration(2*c.skew+1); period > maxPeriod || good > maxValidity {
		all = append(all, fmt.Sprintf("codes are good for %d s because TOTP_PERIOD is %d s and TOTP_SKEW is %d: "+
			"whoever sees one has that long to use it first; 30 s and 1 are usual", int(good.Seconds()), int(period.Seconds()), c.skew))
	}
	if c.exposed(addr) {
		all = append(all, "whoever is on the way may read bearers, codes and secrets, because LISTEN_ADDR is not loopback and there is no TLS: "+
			"set TLS_CERT_FILE and TLS_KEY_FILE, or put HTTPS in front and into PUBLIC_URL")
	}
	return all
}

// exposed tells that plain HTTP leaves this machine. An https PUBLIC_URL is taken
// for the promise that a proxy is in front.
func (c serveConfig) exposed(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback() && c.certFile == "" && (c.publicURL == nil || c.publicURL.Scheme != "https")
}

// databaseFiles are SQLite's. Its log is beside the file that a link leads to.
func (c serveConfig) databaseFiles() []string {
	path, ok := strings.CutPrefix(c.store.URL, "sqlite:")
	target, err := filepath.EvalSymlinks(path)
	if !ok || err != nil {
		return nil
	}
	return []string{path, target + "-wal", target + "-shm"}
}

// secretFiles are the .env and the files that secrets were read from.
func (s settings) secretFiles() (files []string) {
	if s.file != "" {
		files = append(files, s.file)
	}
	for _, v := range variables() {
		if file := s.secretFile(v); file != "" {
			files = append(files, file)
		}
	}
	return files
}

// secretFile is "" for a variable that was not read from a file of its own.
func (s settings) secretFile(v variable) string {
	if !v.secret() {
		return ""
	}
	if _, set := os.LookupEnv(v.name); set {
		return ""
	}
	if file, set := os.LookupEnv(v.name + "_FILE"); set {
		return file
	}
	file := s.values[v.name+"_FILE"]
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(s.file), file)
}

// openFiles returns a warning for each of the files that others may read, with a
// way out beside chmod. An empty name is of no file.
func openFiles(files []string, or string) (warnings []string) {
	for _, file := range files {
		path, err := filepath.Abs(file)
		if file == "" || err != nil || isCredential(path) {
			continue
		}
		if info, err := os.Stat(path); err == nil && othersMay(info, 0o044) {
			warnings = append(warnings, fmt.Sprintf("others may read %s: run `chmod go= %s`%s", path, path, or))
		}
	}
	return warnings
}

// isCredential tells systemd's credentials: a mode of 0440 there is the mask of an
// access-control list that lets the service's user alone read them.
func isCredential(file string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	return dir != "" && filepath.Dir(file) == filepath.Clean(dir)
}
