// Package proxy tells which client a request comes from, behind reverse proxies such as
// nginx, Caddy, HAProxy and Traefik.
//
// Anybody can send X-Forwarded-For. A proxy appends the address of its own peer, so only
// the end of the list is true, and only if a trusted proxy sent the request. The client is
// therefore the rightmost address that is not a trusted proxy's, as
// github.com/realclientip/realclientip-go finds it.
//
// One header counts, never both: a proxy that maintains X-Forwarded-For passes on whatever
// Forwarded (RFC 7239) its client has made up, and the other way round.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/realclientip/realclientip-go"
)

// The words that a list of proxies takes beside addresses.
const (
	wordUnix      = "unix"
	wordForwarded = "forwarded"
)

// Trusted are the proxies whose headers count. The zero Trusted trusts nobody. Its methods
// are safe for concurrent use.
type Trusted struct {
	ranges []netip.Prefix
	unix   bool                  // the peers of a Unix socket
	header string                // the canonical name of the header that counts
	client realclientip.Strategy // nil for the zero Trusted
}

// Parse reads a list that commas separate. Its items are addresses, ranges of addresses
// (CIDR), and two words: "unix" trusts whoever may connect to a Unix socket, and
// "forwarded" has the header Forwarded (RFC 7239) count instead of X-Forwarded-For. An
// empty text trusts nobody.
func Parse(text string) (Trusted, error) {
	t := Trusted{header: "X-Forwarded-For"}
	if text == "" {
		return Trusted{}, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		if err := t.add(strings.TrimSpace(item)); err != nil {
			return Trusted{}, err
		}
	}
	if len(t.ranges) == 0 && !t.unix {
		return Trusted{}, errors.New("no proxy is named")
	}
	ranges := make([]net.IPNet, 0, len(t.ranges))
	for _, r := range t.ranges {
		ranges = append(ranges, net.IPNet{IP: r.Addr().AsSlice(), Mask: net.CIDRMask(r.Bits(), r.Addr().BitLen())})
	}
	var err error
	t.client, err = realclientip.NewRightmostTrustedRangeStrategy(t.header, ranges)
	return t, err
}

func (t *Trusted) add(item string) error {
	switch item {
	case wordUnix:
		t.unix = true
		return nil
	case wordForwarded:
		t.header = "Forwarded"
		return nil
	}
	prefix, err := netip.ParsePrefix(item)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(item); err != nil || a.Zone() != "" {
			return fmt.Errorf("%q is neither an address nor a range of addresses", item)
		}
		prefix = netip.PrefixFrom(a, a.BitLen())
	}
	if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
	}
	if prefix.Bits() == 0 {
		return fmt.Errorf("%q trusts everybody: whoever asks could name any address", item)
	}
	t.ranges = append(t.ranges, prefix.Masked())
	return nil
}

// Client returns the address of the client that a request comes from, without a port. That
// is the peer's, unless the peer is a trusted proxy that names its own. It is "unix" for the
// peer of a Unix socket.
func (t Trusted) Client(r *http.Request) string {
	peer := peerOf(r)
	if !t.trusts(r) {
		return peer
	}
	list := map[string][]string{t.header: {tail(r.Header[t.header])}}
	// A zone is text that the client may have made up.
	if client, _ := realclientip.SplitHostZone(t.client.ClientIP(list, r.RemoteAddr)); client != "" {
		return client
	}
	return peer
}

// trusts reports whether the headers of a request count.
func (t Trusted) trusts(r *http.Request) bool {
	if t.client == nil {
		return false
	}
	if isUnix(r.Context()) {
		return t.unix
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr := peer.Addr().WithZone("").Unmap()
	return slices.ContainsFunc(t.ranges, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// maxTail bounds the work on a header, in bytes: a client may send thousands of addresses,
// and proxies append theirs behind them.
const maxTail = 1 << 10

// tail returns the end of a list that may come in several headers, from the beginning of an
// item.
func tail(values []string) string {
	list := ""
	for i := len(values) - 1; i >= 0 && len(list) <= maxTail; i-- {
		value := values[i]
		if cut := len(value) - maxTail; cut > 0 {
			_, value, _ = strings.Cut(value[cut-1:], ",")
		}
		if list != "" {
			value += ","
		}
		list = value + list
	}
	return list
}

func peerOf(r *http.Request) string {
	if isUnix(r.Context()) {
		return wordUnix
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func isUnix(ctx context.Context) bool {
	local, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	return ok && local.Network() == "unix"
}
