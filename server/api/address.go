package api

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// ParseURL reads the address of a server, as people or programs reach it: http or https,
// a host, and a path if the server is not at the root of its host. The error quotes
// nothing of the text, which may hold a password.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(text, "?#") {
		return nil, errors.New("not an http or https URL of a host, without user, query and fragment")
	}
	return u, nil
}

// ParseBearer checks a bearer: it is one that a header can carry (RFC 6750 section 2.1)
// and that a list parted by commas can hold. The error quotes nothing of the text.
func ParseBearer(text string) (string, error) {
	if text == "" {
		return "", errors.New("bearer is empty")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
		return "", errors.New("bearer has a character other than printable ASCII without spaces and commas")
	}
	return text, nil
}

// Loopback reports whether a host, without its port, is this machine: an address of
// loopback, or localhost and the names below it (RFC 6761 section 6.3), in either
// case.
func Loopback(host string) bool {
	host = strings.ToLower(host)
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}
