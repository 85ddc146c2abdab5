package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp"
	"totpctl/totp/audit"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// startAudit returns the audit log of serve, nil without AUDIT_LOG. It need not be open yet.
func (p program) startAudit(path string, log *slog.Logger) *audit.Log {
	switch path {
	case "":
		return nil
	case config.AuditOutput:
		return audit.Start(audit.Config{Output: p.out, Clock: p.clock, Log: log})
	}
	return audit.Start(audit.Config{Path: path, Clock: p.clock, Log: log})
}

// witnesses returns who is told of the events of serve. The log and the metrics are told
// last, of what is on record.
func (p program) witnesses(l *audit.Log, log *slog.Logger) (all verifier.Witnesses) {
	switch {
	case l != nil && p.metrics != nil:
		all = append(all, p.metrics.WatchAudit(l))
	case l != nil:
		all = append(all, l)
	}
	all = append(all, audit.NewWarnings(log))
	if p.metrics != nil {
		all = append(all, p.metrics)
	}
	return all
}

// openAudit opens the audit log of a command that changes accounts, and returns what closes
// it. The witness is nil without AUDIT_LOG. It is an error if the command could not write.
func (p program) openAudit(s *config.Settings) (verifier.Witness, func() error, error) {
	path, nothing := s.AuditLog(), func() error { return nil }
	if path == "" || s.Err() != nil {
		return nil, nothing, s.Err()
	}
	if path == config.AuditOutput {
		return nil, nil, hint.With(errors.New("opening AUDIT_LOG: \"-\" is the standard output of serve, and this command changes accounts"), "name a file in AUDIT_LOG: serve and the commands can share it")
	}
	l, err := audit.Open(audit.Config{Path: path, Clock: p.clock})
	if err != nil {
		way := "nothing was changed: AUDIT_LOG or --audit-log is a file in a folder that exists and that this user may write to"
		if sqlstore.IsFull(err) {
			way = "nothing was changed: " + fullDisk
		}
		return nil, nil, hint.With(fmt.Errorf("opening AUDIT_LOG: %w", err), "%s", way)
	}
	return &commandAudit{l, commandUser()}, l.Close, nil
}

// A commandAudit is the audit log of a command, whose user causes all events.
type commandAudit struct {
	*audit.Log
	by string
}

// Tell implements verifier.Witness.
func (c *commandAudit) Tell(ctx context.Context, events ...verifier.Event) error {
	for i := range events {
		events[i].Origin.By = c.by
	}
	return c.Log.Tell(ctx, events...)
}

// commandUser returns "cli:" and the user. For root it adds who has called sudo: others may
// set SUDO_USER to any name.
func commandUser() string {
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	by := "cli:" + name
	if sudo, err := totp.ParseName(os.Getenv("SUDO_USER")); err == nil && os.Geteuid() == 0 {
		by += "(" + sudo + ")"
	}
	return by
}
