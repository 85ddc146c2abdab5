package cmd

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/server"
	"totpctl/totp/audit"
)

// A reloader rereads the configuration of a server that runs: bearers and
// certificate are replaced, all else waits for a restart.
type reloader struct {
	settings    *config.Settings // of the start
	values      []config.Value   // of the variables that serve reads once, at the start
	bearers     config.Bearers   // in use
	server      *server.Server
	certificate *server.Certificate // nil for plain HTTP
	audit       *audit.Log          // nil without AUDIT_LOG
	log         *slog.Logger
	manager     manager // is told of each reload
}

// reloader returns one that still lacks its server.
func (c serveConfig) reloader(s *config.Settings, log *slog.Logger) (*reloader, error) {
	r := &reloader{settings: s, bearers: c.bearers, log: log}
	var err error
	if r.values, err = readOnce(s); err != nil || c.certificate.CertFile == "" {
		return r, err
	}
	if r.certificate, err = server.LoadCertificate(c.certificate.CertFile, c.certificate.KeyFile, log); err != nil {
		return nil, hint.With(err, "%s", config.CertFile.Hint)
	}
	return r, nil
}

// run rereads at each SIGHUP until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			r.manager.reloading()
			r.reopenAudit()
			err := r.reload()
			if err != nil {
				r.log.Error("configuration not taken over: nothing has changed", "error", hint.OneLine(err.Error()))
			}
			r.manager.ready(err)
		case <-ctx.Done():
			return
		}
	}
}

// reopenAudit opens the file anew whatever the configuration says: logrotate has moved it.
func (r *reloader) reopenAudit() {
	if r.audit == nil {
		return
	}
	if err := r.audit.Reopen(); err != nil {
		r.log.Error("audit log not opened anew", "error", err.Error())
	}
}

// reload changes nothing if it returns an error.
func (r *reloader) reload() error {
	fresh, c, err := r.read()
	if err != nil {
		return err
	}
	waiting, err := r.waiting(fresh)
	if err != nil {
		return err
	}
	certificate, err := r.reloadCertificate()
	if err != nil {
		return err
	}
	if err := r.server.SetBearers(c.bearers.Check, c.bearers.Admin); err != nil {
		return err
	}
	if len(waiting) > 0 {
		r.log.Warn("changed in the configuration, and not used before a restart", "variables", strings.Join(waiting, ", "))
	}
	logWarnings(r.log, fresh.Warnings())
	r.tell(c.bearers, certificate)
	r.bearers = c.bearers
	return nil
}

// read refuses all that serve would refuse at its start, and more.
func (r *reloader) read() (fresh *config.Settings, c serveConfig, err error) {
	if fresh, err = r.settings.Reread(); err != nil {
		return fresh, c, err
	}
	if now, then := fresh.File(), r.settings.File(); now != then {
		return fresh, c, fmt.Errorf("configuration is now in %s, at the start it was in %s: restart to use it", cmp.Or(now, "no file"), cmp.Or(then, "no file"))
	}
	if c, err = readServeConfig(fresh); err != nil {
		return fresh, c, err
	}
	if err = refuseCut(fresh.Source(config.Bearer.Info), c.bearers.Check, r.bearers.Check); err != nil {
		return fresh, c, err
	}
	return fresh, c, refuseCut(fresh.Source(config.AdminBearer.Info), c.bearers.Admin, r.bearers.Admin)
}

// refuseCut refuses a short bearer that is not in use already: it may be the first
// half of one in a file that is just being written.
func refuseCut(source string, next, used []string) error {
	for _, b := range next {
		if len(b) < config.MinBearer && !slices.Contains(used, b) {
			return fmt.Errorf("reading %s: a new bearer has fewer than %d characters", source, config.MinBearer)
		}
	}
	return nil
}

// reloadCertificate rereads the files and returns the log's word for what came of it.
func (r *reloader) reloadCertificate() (string, error) {
	if r.certificate == nil {
		return "none", nil
	}
	changed, err := r.certificate.Reload()
	return changedOrNot(changed), err
}

func (r *reloader) tell(next config.Bearers, certificate string) {
	admin := changedOrNot(!slices.Equal(next.Admin, r.bearers.Admin))
	if len(next.Admin) == 0 {
		admin = "off"
	}
	attrs := []any{"BEARER", changedOrNot(!slices.Equal(next.Check, r.bearers.Check)), "ADMIN_BEARER", admin, "certificate", certificate}
	if file := r.settings.File(); file != "" {
		attrs = append([]any{"file", file}, attrs...)
	}
	r.log.Info("configuration reread", attrs...)
}

func changedOrNot(changed bool) string {
	if changed {
		return "changed"
	}
	return "unchanged"
}

// waiting names the variables whose values are others than at the start and that
// only a restart takes over.
func (r *reloader) waiting(fresh *config.Settings) (names []string, err error) {
	values, err := readOnce(fresh)
	for i, v := range values {
		if v != r.values[i] {
			names = append(names, v.Name)
		}
	}
	return names, err
}

// readOnce returns the values of the variables that serve reads at its start alone.
func readOnce(s *config.Settings) ([]config.Value, error) {
	return s.Values(config.Bearer, config.AdminBearer, config.ServerURL)
}
