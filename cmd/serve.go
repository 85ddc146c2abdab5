package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"totpctl/cmd/config"
	"totpctl/server"
	"totpctl/server/proxy"
	"totpctl/totp"
	"totpctl/totp/session"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

func (p program) serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Verify codes over HTTP and show the enrolment page",
		Long: `Serves until SIGINT or SIGTERM, then lets the requests under way finish. SIGHUP
rereads bearers and certificate and opens the audit log anew (Windows has none:
restart serve there); on a terminal it ends the server, because the terminal is
gone. On a terminal serve prints the set-up link, which shows the page with the QR
code for an hour or until the default account has accepted a code. Requests are
logged to stderr; those of strangers that fail, and whatever else costs nothing,
are at most ten lines a second, and one with the number of the others.

LISTEN_ADDR=unix:PATH listens on a unix socket of mode 0660. A socket that systemd
passes comes before LISTEN_ADDR; systemd is told when serve is ready, rereads and
stops, and its watchdog hears nothing of a server that is stuck.`,
		Example: "  totpctl serve --listen-addr 127.0.0.1:5000",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop, hangups := p.serveSignals()
			defer stop()
			s, err := config.Read(c.Flags())
			if err != nil {
				return err
			}
			s.AskWith(p.oldPassphrase)
			log := p.startLog(readLogConfig(s))
			defer log.Close()
			sc, err := readServeConfig(s)
			switch {
			case err != nil && log.asked:
				logWarnings(log.Logger, s.Warnings())
			case err != nil:
				p.warn(s.Warnings()...)
			default:
				err = p.run(ctx, s, sc, log, hangups)
			}
			return log.end(err)
		},
	}
	addServeFlags(c.Flags())
	return c
}

// addServeFlags gives a command the flags of the variables that serve reads.
func addServeFlags(flags *pflag.FlagSet) {
	config.AddKeyFlags(flags)
	config.AddFlags(flags, config.Skew, config.ListenAddr, config.PublicURL, config.EnrolTTL, config.SelfService, config.AdminAccount,
		config.CertFile, config.KeyFile, config.Origins, config.Proxies, config.PassphraseFile,
		config.AuditLog, config.LogFormat, config.LogLevel, config.MetricsAddr)
}

// gcPercent trades memory for fewer collections: at Go's default, 100, a tenth fewer requests
// are refused while throttled. Under load the server still stays below 40 MiB.
const gcPercent = 200

// A serveConfig is the configuration of serve, beside what openVerifier reads.
type serveConfig struct {
	entry       totp.Entry
	skew        int
	store       sqlstore.Config
	bearers     config.Bearers
	listenAddr  string
	certificate config.Certificate
	publicURL   *url.URL // nil: the address listened on
	origins     []string
	proxies     proxy.Trusted
	auditLog    string // "" for none
	metricsAddr string // "" for none

	adminAccount string // "" for none
	selfService  bool
}

func readServeConfig(s *config.Settings) (serveConfig, error) {
	config.Take(s, config.EnrolTTL) // which openVerifier reads, after serve listens
	return serveConfig{
		entry:       s.Entry(),
		skew:        config.Take(s, config.Skew),
		store:       s.Store(),
		bearers:     s.Bearers(),
		listenAddr:  config.Take(s, config.ListenAddr),
		certificate: s.Certificate(),
		publicURL:   config.Take(s, config.PublicURL),
		origins:     config.Take(s, config.Origins),
		proxies:     config.Take(s, config.Proxies),
		auditLog:    s.AuditLog(),
		metricsAddr: s.MetricsAddr(),

		adminAccount: config.Take(s, config.AdminAccount),
		selfService:  config.Take(s, config.SelfService),
	}, s.Err()
}

// run serves until ctx ends and logs that it has stopped. An end before the start is
// complete is no error.
func (p program) run(ctx context.Context, s *config.Settings, c serveConfig, log *serveLog, hangups <-chan os.Signal) error {
	debug.SetGCPercent(gcPercent)
	err := p.serve(ctx, s, c, log, hangups)
	if ctx.Err() == nil {
		return err
	}
	log.Info("stopped")
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (p program) serve(ctx context.Context, s *config.Settings, c serveConfig, own *serveLog, hangups <-chan os.Signal) (err error) {
	log := own.Logger
	r, err := c.reloader(s, log)
	if err != nil {
		return err
	}
	interval, err := watched()
	if err != nil {
		return err
	}
	// Before the store: a second server that was started by mistake must neither make a
	// database nor upgrade its tables.
	listener, err := c.listen(ctx)
	if err != nil {
		return err
	}
	defer listener.Close()
	numbers, err := p.listenMetrics(ctx, c.metricsAddr, own)
	if err != nil {
		return err
	}
	defer numbers.Close()
	p.metrics = numbers.metrics
	if r.audit = p.startAudit(c.auditLog, log); r.audit != nil {
		defer r.audit.Close()
	}
	store, v, err := p.openVerifier(ctx, s, c.entry.Key, false, p.witnesses(r.audit, log), func(texts ...string) { logWarnings(log, texts) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := c.warnAtStart(ctx, s, store, listener.Addr(), log); err != nil {
		return err
	}
	logWarnings(log, c.adminWarnings(ctx, v))
	if r.server, err = server.New(c.server(v, store, listener.Addr(), log, p)); err != nil {
		return err
	}
	r.manager = manager{log, shownAddr(listener.Addr())}
	numbers.serve(ctx, r, store, v)
	go r.run(ctx, hangups)
	if err := p.printSetupLink(ctx, v, r.server, c.waitsForCode(log)); err != nil && ctx.Err() == nil {
		log.Error("no set-up link: the other accounts go on", "error", err.Error())
	}
	log.Info("listening", "addr", r.manager.addr)
	r.manager.supervise(ctx, interval, v.Ready, c.stuck)
	return r.server.Serve(ctx, wrapTLS(listener, r.certificate))
}

// public returns how people reach the server that listens on addr: the zero URL if no browser
// can open that.
func (c serveConfig) public(addr net.Addr) *url.URL {
	switch {
	case c.publicURL != nil:
		return c.publicURL
	case addr.Network() == "unix":
		return &url.URL{}
	}
	return &url.URL{Scheme: c.certificate.Scheme(), Host: addr.String()}
}

func (c serveConfig) server(v *verifier.Verifier, sessions session.Store, addr net.Addr, log *slog.Logger, p program) server.Config {
	return server.Config{
		Verifier: v, Entry: c.entry, Clock: p.clock, Log: log,
		Bearers: c.bearers.Check, Admins: c.bearers.Admin,
		Sessions: session.New(sessions, p.clock), AdminAccount: c.adminAccount, SelfService: c.selfService,
		PublicURL: c.public(addr), Origins: c.origins, Proxies: c.proxies, Meter: p.meter(),
	}
}

// wrapTLS makes a listener speak TLS if there is a certificate.
func wrapTLS(l net.Listener, certificate *server.Certificate) net.Listener {
	if certificate == nil {
		return l
	}
	return tls.NewListener(l, certificate.Config())
}

// waitsForCode returns a function that logs how to get the QR code without a set-up link.
func (c serveConfig) waitsForCode(log *slog.Logger) func() {
	text := "the default account waits for its first code: `totpctl qr` draws its QR code on this machine"
	if len(c.bearers.Admin) > 0 {
		text += ", and the page / shows it to who signs in with ADMIN_BEARER"
	}
	return func() { log.Info(text) }
}

// printSetupLink prints the link on a terminal only, because a file or a log collector
// would keep what reveals the secret. In other cases it calls elsewhere.
func (p program) printSetupLink(ctx context.Context, v *verifier.Verifier, h *server.Server, elsewhere func()) error {
	enrolled, err := v.Enrolled(ctx)
	if err != nil {
		return fmt.Errorf("reading default account: %w", err)
	}
	if enrolled {
		return nil
	}
	link := h.SetupLink()
	if link == "" || !isTerminal(p.out) {
		elsewhere()
		return nil
	}
	_, err = fmt.Fprintf(p.out, "set-up link, for an hour or until a first code is accepted:\n  %s\n", link)
	return err
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
