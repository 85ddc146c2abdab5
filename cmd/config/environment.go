package config

import (
	"os"
	"path/filepath"
	"strings"
)

// transportVariables returns the names of the environment variables that net/http and
// crypto/x509 read. With REQUEST_METHOD, a CGI program's, net/http takes no HTTP_PROXY.
func transportVariables() []string {
	return []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD", "SSL_CERT_FILE", "SSL_CERT_DIR"}
}

// IgnoreEnvironment makes the settings come from flags and the .env only. It also changes
// the process's environment: proxies and certificate authorities become those of the .env,
// and those that the .env lacks are removed, because net/http and crypto/x509 take them
// from nowhere else. It must be called before the first request: both packages read the
// environment once.
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

// besideAll makes the relative paths of a list begin at dir.
func besideAll(dir, list string) string {
	all := filepath.SplitList(list)
	for i, path := range all {
		if !filepath.IsAbs(path) {
			all[i] = filepath.Join(dir, path)
		}
	}
	return strings.Join(all, string(filepath.ListSeparator))
}
