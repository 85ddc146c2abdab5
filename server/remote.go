package server

import (
	"net"
	"net/http"
)

// UnixPeer is the peer of a connection by a unix socket, which has no address.
const UnixPeer = "unix"

// remote returns the address of the peer without its port, or UnixPeer. It asks for the
// kind of the server's own address, because a peer may bind its socket to any path.
func remote(r *http.Request) string {
	if own, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && own.Network() == "unix" {
		return UnixPeer
	}
	h, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return h
}
