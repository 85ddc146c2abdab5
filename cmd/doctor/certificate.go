package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"totpctl/cmd/config"
)

// renewal is how long before its end a certificate should have been renewed. Let's Encrypt's
// clients renew certificates of 90 days 30 days before their end.
const renewal = 14 * 24 * time.Hour

// certificate reads the pair of TLS_CERT_FILE and TLS_KEY_FILE.
func certificate(_ context.Context, p *patient) (found []Finding) {
	s := p.read()
	pair, public := s.Certificate(), config.Take(s, config.PublicURL)
	if s.Err() != nil {
		return unread(s)
	}
	if pair.CertFile == "" {
		return nil
	}
	loaded, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile)
	if err != nil {
		return []Finding{fault("TLS_CERT_FILE is the certificate's chain in PEM, the server's own first, and TLS_KEY_FILE the key of that one",
			"serve can't use the certificate: %v", err)}
	}
	leaf := loaded.Leaf
	if f := lasts(leaf, p.Clock()); f.Level != OK {
		found = append(found, f)
	}
	if public != nil && public.Scheme == "https" && leaf.VerifyHostname(public.Hostname()) != nil {
		found = append(found, warning("get a certificate for that host; where a proxy in front has one, this is no matter",
			"the certificate in %s is not for %s, the host of PUBLIC_URL", pair.CertFile, public.Hostname()))
	}
	if len(found) == 0 {
		found = append(found, lasts(leaf, p.Clock()))
	}
	return found
}

// lasts tells when a certificate ends.
func lasts(leaf *x509.Certificate, now time.Time) Finding {
	const renew = "renew it; serve takes the new one without a restart"
	switch left := leaf.NotAfter.Sub(now); {
	case now.Before(leaf.NotBefore):
		return fault("is this machine's clock right?", "the certificate is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	case left <= 0:
		return fault(renew, "the certificate has ended on %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	case left < renewal:
		return warning(renew, "the certificate ends in %d days, on %s", int(left.Hours()/24), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return fine("the certificate is good until %s", leaf.NotAfter.UTC().Format(time.RFC3339))
}
