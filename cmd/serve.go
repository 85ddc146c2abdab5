package cmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"totpctl/cmd/hint"
	"totpctl/server"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

func (p program) serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Verify codes over HTTP and show the enrolment page",
		Long: `Serves until SIGINT or SIGTERM, then lets the requests under way finish. SIGHUP
rereads bearers and certificate; on a terminal, which is gone then, it ends the
server like the others. On a terminal it prints the set-up link: the page with
the QR code, for an hour or until the default account has accepted a code.
Requests are logged to stderr.`,
		Example: "  totpctl serve --listen-addr 127.0.0.1:5000",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop, hangups := p.serveSignals()
			defer stop()
			s, err := readSettings(c)
			if err != nil {
				return err
			}
			config, err := s.serveConfig()
			if err != nil {
				return err
			}
			return p.run(ctx, s, config, hangups)
		},
	}
	addKeyFlags(c)
	addFlags(c, "TOTP_SKEW", "LISTEN_ADDR", "PUBLIC_URL", "TLS_CERT_FILE", "TLS_KEY_FILE", "CORS_ORIGINS")
	return c
}

const (
	certificateHint = "TLS_CERT_FILE is the certificate's chain in PEM and TLS_KEY_FILE its key; leave both out for plain HTTP"
	listenHint      = "LISTEN_ADDR is HOST:PORT, such as 127.0.0.1:5000"
	publicHint      = "PUBLIC_URL is how people reach the server, such as https://totp.example.com"
)

// gcPercent spends some of a small heap's memory on fewer collections: under load
// the server stays under 40 MiB.
const gcPercent = 200

// A serveConfig is all that serve reads from its settings beside what
// openVerifier does.
type serveConfig struct {
	entry       totp.Entry
	skew        int
	store       sqlstore.Config
	bearers     []string
	adminBearer string
	listenAddr  string
	certFile    string // "": plain HTTP
	keyFile     string
	publicURL   *url.URL // nil: the address listened on
	origins     []string
}

func (s settings) serveConfig() (c serveConfig, err error) {
	for _, read := range []func() error{
		func() (err error) { c.entry, err = s.entry(); return },
		func() (err error) { c.skew, err = s.skew(); return },
		func() (err error) { c.store, err = s.store(); return },
		func() (err error) { c.bearers, c.adminBearer, err = s.bearers(); return },
		func() (err error) {
			c.listenAddr, err = parse(s, "LISTEN_ADDR", parseListenAddr, listenHint)
			return
		},
		func() (err error) { c.certFile, c.keyFile, err = s.certificateFiles(); return },
		func() (err error) {
			c.publicURL, _, err = parseOptional(s, "PUBLIC_URL", parsePublicURL, publicHint)
			return
		},
		func() (err error) {
			c.origins, err = parse(s, "CORS_ORIGINS", parseOrigins, "an origin is SCHEME://HOST[:PORT], without a path; separate several by commas")
			return
		},
	} {
		if err := read(); err != nil {
			return c, err
		}
	}
	return c, nil
}

// run serves until ctx ends and reports on it in the log.
func (p program) run(ctx context.Context, s settings, c serveConfig, hangups <-chan os.Signal) error {
	debug.SetGCPercent(gcPercent)
	log, closer := p.logger()
	defer closer.Close()
	err := p.serve(ctx, s, c, log, hangups)
	if ctx.Err() == nil {
		return err
	}
	log.Info("stopped")
	if errors.Is(err, context.Canceled) { // while it was still starting
		return nil
	}
	return err
}

func (p program) serve(ctx context.Context, s settings, c serveConfig, log *slog.Logger, hangups <-chan os.Signal) (err error) {
	r, err := c.reloader(s, log)
	if err != nil {
		return err
	}
	store, v, err := p.openVerifier(ctx, s, c.entry.Key, func(text string) { log.Warn(text) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	listener, err := listen(ctx, c.listenAddr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := c.warn(ctx, s, store, listener.Addr(), log); err != nil {
		return err
	}
	if r.server, err = server.New(c.server(v, listener.Addr(), log, p)); err != nil {
		return err
	}
	go r.run(ctx, hangups)
	log.Info("listening", "addr", listener.Addr().String())
	if err := p.printSetupLink(ctx, v, r.server); err != nil && ctx.Err() == nil {
		return err
	}
	return r.server.Serve(ctx, secure(listener, r.certificate))
}

func (c serveConfig) server(v *verifier.Verifier, addr net.Addr, log *slog.Logger, p program) server.Config {
	public := c.publicURL
	if public == nil {
		public = &url.URL{Scheme: scheme(c.certFile), Host: addr.String()}
	}
	return server.Config{
		Verifier: v, Entry: c.entry, Clock: p.clock, Log: log,
		Bearers: c.bearers, AdminBearer: c.adminBearer,
		PublicURL: public, Origins: c.origins,
	}
}

// secure makes a listener speak TLS if there is a certificate.
func secure(l net.Listener, certificate *server.Certificate) net.Listener {
	if certificate == nil {
		return l
	}
	return tls.NewListener(l, certificate.Config())
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, network(addr), addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, hint.With(fmt.Errorf("listening on LISTEN_ADDR %s: the port is taken", addr), "stop what listens there, or choose another with LISTEN_ADDR or --listen-addr")
	case err != nil:
		return nil, hint.With(fmt.Errorf("listening on LISTEN_ADDR: %w", err), "LISTEN_ADDR or --listen-addr is HOST:PORT of this machine")
	}
	return l, nil
}

// network keeps the IPv4 address of all interfaces from meaning IPv6's, too, as it
// does for "tcp". Only an address without a host, or IPv6's of all interfaces,
// means both.
func network(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().Is4() {
		return "tcp4"
	}
	return "tcp"
}

// printSetupLink prints it on a terminal only: a file or a log collector would
// keep what reveals the secret.
func (p program) printSetupLink(ctx context.Context, v *verifier.Verifier, h *server.Server) error {
	if !isTerminal(p.out) {
		return nil
	}
	enrolled, err := v.Enrolled(ctx)
	if err != nil {
		return fmt.Errorf("reading store: %w", err)
	}
	if enrolled {
		return nil
	}
	_, err = fmt.Fprintf(p.out, "set-up link, for an hour or until a first code is accepted:\n  %s\n", h.SetupLink())
	return err
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
