// Package doctor looks for what is wrong with a configuration, its files, its database, the
// server and the clock. It changes nothing. Each check returns its findings as data.
package doctor

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"totpctl/cmd/config"
	"totpctl/cmd/hint"
	"totpctl/totp/sqlstore"
)

// A Level is how bad a finding is.
type Level string

// The levels. What is a fault keeps people out, or lets somebody in who should not be.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Fault   Level = "fault"
)

// A Finding is what a check has found. It holds no secret.
type Finding struct {
	Check string `json:"check"` // the name of the check, such as "database"; it never changes its meaning
	Level Level  `json:"level"`
	What  string `json:"what"`
	Way   string `json:"way_out,omitempty"` // what to do about it
}

// Config says what is examined.
type Config struct {
	Settings *config.Settings             // asks for passphrases, if it has to; nil if Unread is set
	Unread   error                        // why the configuration could not be read at all
	Serve    func(*config.Settings) error // reads all that serve reads
	Server   *url.URL                     // asked whether it is ready; nil for none
	Date     *url.URL                     // asked for its time; nil for none
	Clock    func() time.Time
}

// examineTime bounds what the database is asked.
const examineTime = 30 * time.Second

// A patient is what the checks look at.
type patient struct {
	Config
	sealed   error // why a sealed value does not open
	database sqlstore.Examination
	unopened error // why the examination has ended early
}

// A check has a name for programs, and returns what it finds.
type check struct {
	name string
	run  func(context.Context, *patient) []Finding
}

// checks returns all checks, in the order in which their findings are told.
func checks() []check {
	return []check{
		{"configuration", configuration},
		{"files", files},
		{"bearers", bearers},
		{"network", network},
		{"proxies", proxies},
		{"recovery", recovery},
		{"certificate", certificate},
		{"database", database},
		{"keys", keys},
		{"disk", disk},
		{"audit", auditLog},
		{"server", server},
		{"clock", clock},
	}
}

// Examine runs all checks. Where the configuration can't be read, those of the server and of
// the clock are left.
func Examine(ctx context.Context, c Config) (all []Finding) {
	p := &patient{Config: c}
	if c.Unread == nil {
		p.open(ctx)
	}
	for _, each := range checks() {
		if c.Unread != nil && !slices.Contains([]string{"configuration", "server", "clock"}, each.name) {
			continue
		}
		for _, f := range each.run(ctx, p) {
			f.Check = each.name
			if !slices.ContainsFunc(all, func(g Finding) bool { return g.What == f.What }) { // one bad variable is read by many
				all = append(all, f)
			}
		}
	}
	return all
}

// open opens sealed values, which may ask for a passphrase, and examines the database.
func (p *patient) open(ctx context.Context) {
	config.Take(p.Settings, config.EncryptionKey)
	if p.Settings.Source(config.Secret.Info) != "" {
		config.Take(p.Settings, config.Secret)
	}
	if p.sealed = p.Settings.Err(); p.sealed != nil {
		return
	}
	s := p.read()
	store := s.Store()
	if s.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	p.database, p.unopened = sqlstore.Examine(ctx, store)
}

// read returns the settings without the errors of what was read before.
func (p *patient) read() *config.Settings {
	fresh, err := p.Settings.Reread()
	if err != nil { // somebody has changed the file meanwhile
		return p.Settings
	}
	return fresh
}

// Count returns how many findings have a level.
func Count(all []Finding, level Level) (n int) {
	for _, f := range all {
		if f.Level == level {
			n++
		}
	}
	return n
}

func fine(format string, args ...any) Finding {
	return Finding{Level: OK, What: fmt.Sprintf(format, args...)}
}

func warning(way, format string, args ...any) Finding {
	return Finding{Level: Warning, What: fmt.Sprintf(format, args...), Way: way}
}

func fault(way, format string, args ...any) Finding {
	return Finding{Level: Fault, What: fmt.Sprintf(format, args...), Way: way}
}

// failed is the fault that an error is. Its hint is the way out.
func failed(err error) Finding { return Finding{Level: Fault, What: err.Error(), Way: hint.Of(err)} }

// unread returns the fault of settings that could not be read, nil if they could.
func unread(s *config.Settings) []Finding {
	if s.Err() == nil {
		return nil
	}
	return []Finding{failed(s.Err())}
}
