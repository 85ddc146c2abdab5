package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"totpctl/cmd/hint"
	"totpctl/server"
)

// A reloader rereads the configuration of a server that runs: bearers and
// certificate are replaced, all else waits for a restart.
type reloader struct {
	settings    settings // of the start
	values      map[string]string
	bearers     []string // in use
	adminBearer string
	server      *server.Server
	certificate *server.Certificate // nil for plain HTTP
	log         *slog.Logger
}

// reloader lacks its server still.
func (c serveConfig) reloader(s settings, log *slog.Logger) (*reloader, error) {
	r := &reloader{settings: s, bearers: c.bearers, adminBearer: c.adminBearer, log: log}
	var err error
	if r.values, err = s.snapshot(); err != nil || c.certFile == "" {
		return r, err
	}
	if r.certificate, err = server.LoadCertificate(c.certFile, c.keyFile, log); err != nil {
		return nil, hint.With(err, "%s", certificateHint)
	}
	return r, nil
}

// run rereads at each hangup until ctx ends.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			if err := r.reload(); err != nil {
				r.log.Error("configuration not taken over: nothing has changed", "error", oneLine(err.Error()))
			}
		case <-ctx.Done():
			return
		}
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
	if err := r.server.SetBearers(c.bearers, c.adminBearer); err != nil {
		return err
	}
	if len(waiting) > 0 {
		r.log.Warn("changed in the configuration, and not used before a restart", "variables", strings.Join(waiting, ", "))
	}
	r.tell(c, certificate)
	r.bearers, r.adminBearer = c.bearers, c.adminBearer
	return nil
}

// read refuses all that serve would refuse at its start, and more.
func (r *reloader) read() (fresh settings, c serveConfig, err error) {
	if fresh, err = readSettings(r.settings.command); err != nil {
		return fresh, c, err
	}
	if fresh.file != r.settings.file {
		return fresh, c, fmt.Errorf("configuration is now in %s, at the start it was in %s: restart to use it", orNone(fresh.file), orNone(r.settings.file))
	}
	if c, err = fresh.serveConfig(); err != nil {
		return fresh, c, err
	}
	if err = fresh.refuseCut("BEARER", c.bearers, r.bearers); err != nil {
		return fresh, c, err
	}
	return fresh, c, fresh.refuseCut("ADMIN_BEARER", []string{c.adminBearer}, []string{r.adminBearer, ""})
}

func orNone(file string) string {
	if file == "" {
		return "no file"
	}
	return file
}

// refuseCut refuses a short bearer that is not in use already: it may be the first
// half of one in a file that is just being written.
func (s settings) refuseCut(name string, next, used []string) error {
	for _, b := range next {
		if len(b) < minBearer && !slices.Contains(used, b) {
			_, source, _ := s.get(name)
			return fmt.Errorf("reading %s: a new bearer has fewer than %d characters", source, minBearer)
		}
	}
	return nil
}

// reloadCertificate returns what the log tells of it.
func (r *reloader) reloadCertificate() (string, error) {
	if r.certificate == nil {
		return "none", nil
	}
	changed, err := r.certificate.Reload()
	return changedOrNot(changed), err
}

func (r *reloader) tell(c serveConfig, certificate string) {
	admin := changedOrNot(c.adminBearer != r.adminBearer)
	if c.adminBearer == "" {
		admin = "off"
	}
	attrs := []any{"BEARER", changedOrNot(!slices.Equal(c.bearers, r.bearers)), "ADMIN_BEARER", admin, "certificate", certificate}
	if r.settings.file != "" {
		attrs = append([]any{"file", r.settings.file}, attrs...)
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
func (r *reloader) waiting(fresh settings) (names []string, err error) {
	values, err := fresh.snapshot()
	if err != nil {
		return nil, err
	}
	for _, v := range variables() {
		if values[v.name] != r.values[v.name] {
			names = append(names, v.name)
		}
	}
	return names, nil
}

// snapshot is the value of each variable that serve reads once.
func (s settings) snapshot() (map[string]string, error) {
	values := map[string]string{}
	for _, v := range variables() {
		switch v.name {
		case "BEARER", "ADMIN_BEARER", "TOTPCTL_URL":
			continue
		}
		value, source, err := s.get(v.name)
		if err != nil {
			return nil, wrong(v.name, err, "")
		}
		if source != "" {
			values[v.name] = value
		}
	}
	return values, nil
}
