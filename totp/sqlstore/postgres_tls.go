package sqlstore

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// unverifiedWarnings says what it means that TLS does not verify these hosts.
func unverifiedWarnings(hosts []string) []string {
	if len(hosts) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("whoever is on the way to PostgreSQL at %s may read and change what is asked and answered, because TLS does not verify the server: "+
		"put sslmode=verify-full into DATABASE_URL, and sslrootcert=FILE for a certificate authority of your own", strings.Join(hosts, ", "))}
}

// unverifiedHosts returns the hosts beyond this machine that may be reached without
// TLS, or by TLS that does not verify the server.
func unverifiedHosts(config *pgx.ConnConfig) (hosts []string) {
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, w := range ways {
		if !local(w) && !verifies(w.TLSConfig) && !slices.Contains(hosts, w.Host) {
			hosts = append(hosts, w.Host)
		}
	}
	return hosts
}

// local reports whether a host is this machine.
func local(w *pgconn.FallbackConfig) bool {
	if network, _ := pgconn.NetworkAddress(w.Host, w.Port); network == "unix" {
		return true
	}
	ip, err := netip.ParseAddr(w.Host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(w.Host, "localhost")
}

// verifies reports whether TLS verifies the server: with sslmode=verify-full, and with
// verify-ca and a root certificate of one's own. Under the system's certificate
// authorities verify-ca accepts anybody's certificate.
func verifies(c *tls.Config) bool {
	switch {
	case c == nil:
		return false
	case !c.InsecureSkipVerify:
		return true
	}
	return c.VerifyPeerCertificate != nil && c.RootCAs != nil
}
