package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"totpctl/cmd/config"
	"totpctl/server/api"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// configuration reads what serve reads.
func configuration(_ context.Context, p *patient) (found []Finding) {
	if p.Unread != nil {
		return []Finding{failed(p.Unread)}
	}
	if p.sealed != nil {
		found = append(found, failed(p.sealed))
	} else if err := p.Serve(p.read()); err != nil {
		found = append(found, failed(err))
	}
	if s := p.read(); p.sealed == nil && s.Source(config.Secret.Info) != "" {
		for _, text := range s.Entry().Key.Secret().Warnings("the secret") {
			if s.Err() == nil {
				found = append(found, warning("`totpctl init --env new.env` makes a secret of 160 bits, to be scanned anew", "TOTP_BASE32_SECRET: %s", text))
			}
		}
	}
	for _, text := range p.Settings.Warnings() {
		found = append(found, warning("correct the line, or remove it", "%s", text))
	}
	if len(found) > 0 {
		return found
	}
	if file := p.Settings.File(); file != "" {
		return []Finding{fine("serve can read its configuration from %s and the environment", file)}
	}
	return []Finding{fine("serve can read its configuration from the environment")}
}

// bearers tells weak ones, and by which fingerprint the audit log names each.
func bearers(_ context.Context, p *patient) (found []Finding) {
	s := p.read()
	all := s.Bearers()
	if s.Err() != nil {
		return unread(s)
	}
	for i, bearer := range all.Check {
		name := fmt.Sprintf("BEARER %d", i+1)
		if len(bearer) < config.MinBearer {
			found = append(found, warning("`openssl rand -hex 16` makes a good one",
				"%s has %d characters: with fewer than %d it may be guessed", name, len(bearer), config.MinBearer))
		}
		found = append(found, named(name, bearer, p.database))
	}
	if len(all.Admin) == 0 {
		return append(found, fine("ADMIN_BEARER is not set: accounts are managed by `totpctl account` alone"))
	}
	for i, bearer := range all.Admin {
		found = append(found, named(fmt.Sprintf("ADMIN_BEARER %d", i+1), bearer, p.database))
	}
	return found
}

// named tells by which fingerprint the audit log names a bearer.
func named(name, bearer string, of sqlstore.Examination) Finding {
	if fingerprint, ok := of.Fingerprint(); ok {
		return fine("%s is %s", name, verifier.ByBearer(fingerprint, bearer))
	}
	return fine("%s is set", name)
}

// network tells where bearers, codes and secrets cross a network in the clear, and links
// that lead nowhere.
func network(_ context.Context, p *patient) (found []Finding) {
	s := p.read()
	addr, public, pair := config.Take(s, config.ListenAddr), config.Take(s, config.PublicURL), s.Certificate()
	if s.Err() != nil {
		return unread(s)
	}
	const way = "set TLS_CERT_FILE and TLS_KEY_FILE, or put HTTPS in front and into PUBLIC_URL"
	open := beyond(addr)
	switch {
	case public != nil && public.Scheme == "https":
	case open && pair.CertFile == "":
		found = append(found, warning(way, "whoever is on the way may read bearers, codes and secrets, because LISTEN_ADDR %s is not loopback and there is no TLS", addr))
	case public != nil && !api.Loopback(public.Hostname()):
		found = append(found, warning(way, "whoever is on the way may read bearers, codes and secrets, because PUBLIC_URL is http"))
	}
	if open && public == nil {
		found = append(found, warning("set PUBLIC_URL to the address that people's browsers use", "links for people may lead nowhere, because PUBLIC_URL is not set and LISTEN_ADDR is %s", addr))
	}
	if len(found) == 0 {
		return []Finding{fine("LISTEN_ADDR is %s, and people reach the server at %s", addr, reachedAt(addr, public, pair))}
	}
	return found
}

// proxies tells of a proxy whose word for the client's address does not count.
func proxies(_ context.Context, p *patient) []Finding {
	s := p.read()
	public, pair := config.Take(s, config.PublicURL), s.Certificate()
	config.Take(s, config.Proxies)
	switch {
	case s.Err() != nil:
		return unread(s)
	case s.Source(config.Proxies.Info) != "":
		return []Finding{fine("TRUSTED_PROXIES names the proxies whose forwarding headers count")}
	case public != nil && public.Scheme == "https" && pair.CertFile == "":
		return []Finding{warning("set TRUSTED_PROXIES to the proxy's address, such as 127.0.0.1",
			"the logs name a proxy as everybody's address, because one seems to be in front (PUBLIC_URL is https, and there is no TLS here) and TRUSTED_PROXIES is not set")}
	}
	return nil
}

func reachedAt(addr string, public *url.URL, pair config.Certificate) string {
	_, unix, _ := api.SocketPath(addr)
	switch {
	case public == nil && unix:
		return "no address for browsers, as PUBLIC_URL is not set"
	case public == nil:
		return pair.Scheme() + "://" + addr
	}
	return public.String()
}

// beyond reports whether an address to listen on takes connections from other machines.
// Those of a Unix socket come from this one.
func beyond(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || strings.HasPrefix(addr, "unix:") {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return !api.Loopback(host) && (err != nil || !ip.Unmap().IsLoopback())
}
