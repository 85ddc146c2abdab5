package api

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
)

// unixScheme begins the address of a server at a unix socket, as in unix:/run/totpctl/socket.
const unixScheme = "unix"

// MaxSocket is how many bytes the path of a unix socket may have: the kernel's field,
// less the NUL at its end (unix(7)).
const MaxSocket = len(syscall.RawSockaddrUnix{}.Path) - 1

// SocketPath returns the path of an address such as unix:/run/totpctl/socket. ok reports
// whether the text is of that kind. The path must be absolute, because server and clients
// run in folders of their own, and have at most MaxSocket bytes.
func SocketPath(text string) (path string, ok bool, err error) {
	path, ok = strings.CutPrefix(text, unixScheme+":")
	switch {
	case !ok:
	case !filepath.IsAbs(path):
		err = fmt.Errorf("path of the unix socket is %q: want an absolute one", path)
	case len(path) > MaxSocket:
		err = fmt.Errorf("path of the unix socket has %d bytes: want at most %d", len(path), MaxSocket)
	}
	if !ok || err != nil {
		return "", ok, err
	}
	return filepath.Clean(path), ok, nil // unix:///run/x is /run/x
}

// ParseServer reads the address of a server that this machine asks: a URL as ParseURL
// reads it, or unix:PATH, which becomes a URL whose Opaque is the path.
func ParseServer(text string) (*url.URL, error) {
	path, ok, err := SocketPath(text)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return &url.URL{Scheme: unixScheme, Opaque: path}, nil
	}
	return ParseURL(text)
}
