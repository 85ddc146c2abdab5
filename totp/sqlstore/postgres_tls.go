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

func unverifiedWarnings(hosts []string) []string {
	if len(hosts) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("whoever is on the way to PostgreSQL at %s may read and change what is asked and answered, because TLS does not verify the server: "+
		"put sslmode=verify-full into DATABASE_URL, and sslrootcert=FILE for a certificate authority of your own", strings.Join(hosts, ", "))}
}

// unverifiedHosts returns those of a URL's hosts that are beyond this machine and
// may be spoken to without TLS, or with TLS whose other end is not verified.
func unverifiedHosts(config *pgx.ConnConfig) (hosts []string) {
	ways := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, w := range ways {
		if !local(w) && !verifies(w.TLSConfig) && !slices.Contains(hosts, w.Host) {
			hosts = append(hosts, w.Host)
		}
	}
	return hosts
}

func local(w *pgconn.FallbackConfig) bool {
	if network, _ := pgconn.NetworkAddress(w.Host, w.Port); network == "unix" {
		return true
	}
	ip, err := netip.ParseAddr(w.Host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(w.Host, "localhost")
}

// verifies tells sslmode's verify-full, and verify-ca with a root certificate of
// one's own: where any certificate authority of the system will do, verify-ca
// takes everybody's certificate.
func verifies(c *tls.Config) bool {
	switch {
	case c == nil:
		return false
	case !c.InsecureSkipVerify:
		return true
	}
	return c.VerifyPeerCertificate != nil && c.RootCAs != nil
}
