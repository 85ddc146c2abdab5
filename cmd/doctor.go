package cmd

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"totpctl/cmd/config"
	"totpctl/cmd/doctor"
	"totpctl/cmd/hint"
	"totpctl/server/api"
	"totpctl/server/client"
)

// readyTime is how long `doctor --ready` lasts at most.
const readyTime = 3 * time.Second

func (p program) doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find what is wrong with the configuration, its files, the database and the clock",
		Long: `Looks at what serve would use: configuration, files, bearers, certificate,
database, keys, disk and audit log. It changes nothing, and a server need not stop. Run it as
the user that serve runs as. With --server, or where TOTPCTL_URL is set, it also asks
that server whether it is ready, and compares the clocks. No other host is asked but
that of --date-from.

Each finding is ok, a warning or a fault, and names a way out. Exits 0 where all is
ok, 1 if there are warnings, 2 if there are faults.

--ready does nothing but ask the server at --server, TOTPCTL_URL or LISTEN_ADDR
whether it gives verdicts, for a container's health check: it exits 0 if so, else 1,
within 3 seconds, and needs no .env.`,
		Example: "  totpctl doctor --server https://totp.example.com\n  totpctl doctor --ready",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if ready, _ := c.Flags().GetBool("ready"); ready {
				return p.ready(c.Context(), c.Flags())
			}
			return p.doctor(c.Context(), c.Flags())
		},
	}
	c.Flags().String("server", "", "ask the server at this `URL` (default: $TOTPCTL_URL, if it is set)")
	c.Flags().String("date-from", "", "compare the clock with the Date of this https `URL`'s answer")
	c.Flags().Bool("ready", false, "only ask the server whether it is ready, and print nothing if so")
	c.Flags().Bool("json", false, "print the findings as a JSON object")
	c.MarkFlagsMutuallyExclusive("ready", "json")
	c.MarkFlagsMutuallyExclusive("ready", "date-from")
	addServeFlags(c.Flags())
	return c
}

func (p program) doctor(ctx context.Context, flags *pflag.FlagSet) error {
	dc := doctor.Config{Clock: p.clock, Serve: func(s *config.Settings) error {
		_, err := readServeConfig(s)
		return err
	}}
	var err error
	if dc.Date, err = urlFlag(flags, "date-from", api.ParseURL); err != nil {
		return err
	}
	if dc.Date != nil && dc.Date.Scheme != "https" {
		return hint.With(errors.New("reading --date-from: the URL is not https"), "anybody on the way could change the time that plain http tells")
	}
	if dc.Server, err = urlFlag(flags, "server", config.ServerURL.Parse); err != nil {
		return err
	}
	if dc.Settings, dc.Unread = config.Read(flags); dc.Unread == nil {
		dc.Settings.AskWith(p.oldPassphrase)
		if fresh, err := dc.Settings.Reread(); dc.Server == nil && err == nil && fresh.Source(config.ServerURL.Info) != "" {
			dc.Server = config.Take(fresh, config.ServerURL)
		}
	}
	return p.printFindings(flags, doctor.Examine(ctx, dc))
}

// urlFlag returns nil for a flag that is not set.
func urlFlag(flags *pflag.FlagSet, name string, parse func(string) (*url.URL, error)) (*url.URL, error) {
	text, err := flags.GetString(name)
	if err != nil || !flags.Changed(name) {
		return nil, err
	}
	u, err := parse(text)
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading --%s: %w", name, err), "%s", config.ServerURL.Hint)
	}
	return u, nil
}

// printFindings prints the findings and returns what ends the command.
func (p program) printFindings(flags *pflag.FlagSet, all []doctor.Finding) (err error) {
	faults, warnings := doctor.Count(all, doctor.Fault), doctor.Count(all, doctor.Warning)
	if inJSON, _ := flags.GetBool("json"); inJSON {
		err = p.printJSON(struct {
			Findings []doctor.Finding `json:"findings"`
			Faults   int              `json:"faults"`
			Warnings int              `json:"warnings"`
		}{all, faults, warnings})
	} else {
		var text strings.Builder
		for _, f := range all {
			fmt.Fprintf(&text, "%-7s  %s: %s\n", f.Level, f.Check, hint.OneLine(f.What))
			if f.Way != "" {
				fmt.Fprintf(&text, "         hint: %s\n", hint.OneLine(f.Way))
			}
		}
		fmt.Fprintf(&text, "faults: %d, warnings: %d\n", faults, warnings)
		_, err = p.out.WriteString(text.String())
	}
	switch {
	case err != nil:
		return fmt.Errorf("printing the findings: %w", err)
	case faults > 0:
		return ended(exitError)
	case warnings > 0:
		return ended(exitNo)
	}
	return nil
}

// ready asks a server whether it is ready. Every failure is exitNo, because Docker reserves
// 2 for a health check.
func (p program) ready(ctx context.Context, flags *pflag.FlagSet) error {
	cc, err := readyConfig(flags)
	if err == nil {
		var r client.Readiness
		cc.Timeout, cc.Clock = readyTime, p.clock
		if r, err = client.Ready(ctx, cc); err == nil && !r.Ready {
			err = fmt.Errorf("the server at %s is not ready: %s", cc.URL, r.Text)
		}
	}
	if err != nil {
		return coded{err, exitNo}
	}
	return nil
}

// readyConfig returns the server's address. A .env is read only where there is one and
// --server names no server. A server that LISTEN_ADDR names is on this machine, and is trusted
// by the certificate of TLS_CERT_FILE itself, because that names no loopback address.
func readyConfig(flags *pflag.FlagSet) (c client.Config, err error) {
	if flags.Changed("server") {
		c.URL, err = flags.GetString("server")
		return c, err
	}
	s, err := config.Read(flags)
	if err != nil {
		return c, err
	}
	if s.Source(config.ServerURL.Info) != "" || s.Source(config.ListenAddr.Info) == "" {
		server := config.Take(s, config.ServerURL)
		if s.Err() == nil {
			c.URL = server.String()
		}
		return c, s.Err()
	}
	pair := s.Certificate()
	c.URL = here(config.Take(s, config.ListenAddr), pair.Scheme())
	if s.Err() != nil || pair.CertFile == "" {
		return c, s.Err()
	}
	c.Certificate, err = leafOf(pair.CertFile)
	return c, err
}

// leafOf returns the first certificate of a chain in PEM.
func leafOf(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("reading %s: there is no certificate in it", file)
	}
	return x509.ParseCertificate(block.Bytes)
}

// here returns the URL by which this machine reaches what listens on addr.
func here(addr, scheme string) string {
	if _, unix, _ := api.SocketPath(addr); unix {
		return addr
	}
	host, port, _ := net.SplitHostPort(addr) // as config has parsed it
	switch ip, err := netip.ParseAddr(host); {
	case err == nil && ip.Is6() && ip.IsUnspecified():
		host = "::1"
	case host == "", err == nil && ip.IsUnspecified():
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
