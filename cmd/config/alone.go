package config

import (
	"os"
	"path/filepath"
	"strings"
)

// transportVariables are what net/http and crypto/x509 read of the environment.
func transportVariables() []string {
	return []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD", "SSL_CERT_FILE", "SSL_CERT_DIR"}
}

// IgnoreEnvironment makes flags and .env all that is set. It also replaces the
// environment's proxies and certificate authorities by the .env's, because net/http
// and crypto/x509 can be told in no other way: they read the environment once, at
// the first request.
func (s *Settings) IgnoreEnvironment() {
	s.alone = true
	for _, name := range transportVariables() {
		value, set := s.values[name]
		if !set {
			os.Unsetenv(name)
			continue
		}
		if strings.HasPrefix(name, "SSL_CERT_") {
			value = besideAll(s.dir, value)
		}
		os.Setenv(name, value)
	}
}

// besideAll returns a list of paths whose relative ones begin at dir.
func besideAll(dir, list string) string {
	all := filepath.SplitList(list)
	for i, path := range all {
		if !filepath.IsAbs(path) {
			all[i] = filepath.Join(dir, path)
		}
	}
	return strings.Join(all, string(filepath.ListSeparator))
}
