package proxy_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"totpctl/server/proxy"
)

func parse(t testing.TB, text string) proxy.Trusted {
	t.Helper()
	trusted, err := proxy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return trusted
}

// request is from a peer, with pairs of headers.
func request(peer string, headers ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = peer
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

const xff = "X-Forwarded-For"

func TestTheClientIsTheLastAddressThatIsNoTrustedProxys(t *testing.T) {
	many := strings.Repeat("198.51.100.9,", 5000)
	for _, c := range []struct {
		what, trusted, peer string
		headers             []string
		want                string
	}{
		{"nobody is trusted", "", "10.0.0.1:1", []string{xff, "203.0.113.7"}, "10.0.0.1"},
		{"an untrusted peer", "10.0.0.0/8", "192.0.2.1:1", []string{xff, "203.0.113.7"}, "192.0.2.1"},
		{"a trusted peer", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "203.0.113.7"}, "203.0.113.7"},
		{"a peer in IPv6's form", "10.0.0.0/8", "[::ffff:10.0.0.1]:1", []string{xff, "203.0.113.7"}, "203.0.113.7"},
		{"a range in IPv6's form", "::ffff:10.0.0.0/104", "10.0.0.1:1", []string{xff, "203.0.113.7"}, "203.0.113.7"},
		{"a peer with a zone", "fe80::/10", "[fe80::1%eth0]:1", []string{xff, "203.0.113.7"}, "203.0.113.7"},
		{"a single address", "10.0.0.1", "10.0.0.1:1", []string{xff, "203.0.113.7"}, "203.0.113.7"},
		{"its neighbour", "10.0.0.1", "10.0.0.2:1", []string{xff, "203.0.113.7"}, "10.0.0.2"},
		{"host bits", "10.1.2.3/8", "10.9.9.9:1", []string{xff, "203.0.113.7"}, "203.0.113.7"},
		{"the second of the list", "127.0.0.1, ::1", "[::1]:1", []string{xff, "2001:db8::7"}, "2001:db8::7"},
		{"a client that lies", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "198.51.100.9, 203.0.113.7"}, "203.0.113.7"},
		{"a client that lies in a header of its own", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "198.51.100.9", xff, "203.0.113.7"}, "203.0.113.7"},
		{"a client that names proxies", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "198.51.100.9, 10.0.0.1, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
		{"two proxies", "10.0.0.0/8,192.0.2.0/24", "10.0.0.1:1", []string{xff, "203.0.113.7, 192.0.2.1"}, "203.0.113.7"},
		{"the proxy itself", "10.0.0.0/8", "10.0.0.1:1", nil, "10.0.0.1"},
		{"nothing but proxies", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "10.0.0.3"}, "10.0.0.1"},
		{"an empty header", "10.0.0.0/8", "10.0.0.1:1", []string{xff, ""}, "10.0.0.1"},
		{"garbage", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "203.0.113.7, tell\x00nobody"}, "10.0.0.1"},
		{"a port", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "203.0.113.7:4711"}, "203.0.113.7"},
		{"a zone that says more", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "fe80::7%tell-nobody"}, "fe80::7"},
		{"an address in IPv6's form", "10.0.0.0/8", "10.0.0.1:1", []string{xff, "::ffff:203.0.113.7"}, "203.0.113.7"},
		{"many", "10.0.0.0/8", "10.0.0.1:1", []string{xff, many + "203.0.113.7"}, "203.0.113.7"},
		{"a huge one before it", "10.0.0.0/8", "10.0.0.1:1", []string{xff, strings.Repeat("9", 9000) + ",203.0.113.7"}, "203.0.113.7"},
		{"a huge one alone", "10.0.0.0/8", "10.0.0.1:1", []string{xff, strings.Repeat("9", 9000)}, "10.0.0.1"},
		{"Forwarded, which does not count", "10.0.0.0/8", "10.0.0.1:1", []string{"Forwarded", "for=198.51.100.9", xff, "203.0.113.7"}, "203.0.113.7"},
		{"Forwarded alone, which does not count", "10.0.0.0/8", "10.0.0.1:1", []string{"Forwarded", "for=198.51.100.9"}, "10.0.0.1"},
		{"Forwarded, which counts", "10.0.0.0/8,forwarded", "10.0.0.1:1", []string{"Forwarded", `for=198.51.100.9, for="[2001:db8::7]:4711";proto=https`, xff, "198.51.100.9"}, "2001:db8::7"},
		{"X-Forwarded-For, which does not count then", "10.0.0.0/8,forwarded", "10.0.0.1:1", []string{xff, "198.51.100.9"}, "10.0.0.1"},
		{"a hidden client", "10.0.0.0/8,forwarded", "10.0.0.1:1", []string{"Forwarded", "for=_hidden"}, "10.0.0.1"},
		{"X-Real-IP", "10.0.0.0/8", "10.0.0.1:1", []string{"X-Real-Ip", "198.51.100.9"}, "10.0.0.1"},
	} {
		if got := parse(t, c.trusted).Client(request(c.peer, c.headers...)); got != c.want {
			t.Errorf("%s: client is %q, want %q", c.what, got, c.want)
		}
	}
}

// An address must not be cut in two: "21.22.23.24" would become "1.22.23.24".
func TestNoLengthOfAListMakesUpAnAddress(t *testing.T) {
	trusted := parse(t, "10.0.0.0/8")
	for n := range 40 {
		list := strings.Repeat("x", n) + ",211.211.211.211" + strings.Repeat(",10.0.0.1", 110)
		got := trusted.Client(request("10.0.0.1:1", xff, list))
		if got != "211.211.211.211" && got != "10.0.0.1" {
			t.Fatalf("%d bytes more make the client %q", n, got)
		}
	}
}

func TestThePeerOfAUnixSocketIsTrustedIfTheListSaysSo(t *testing.T) {
	for list, want := range map[string]string{"unix": "203.0.113.7", "10.0.0.0/8": "unix", "": "unix"} {
		r := request("@", xff, "203.0.113.7")
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.UnixAddr{Name: "/run/totpctl", Net: "unix"})))
		if got := parse(t, list).Client(r); got != want {
			t.Errorf("%q: client is %q, want %q", list, got, want)
		}
	}
	if got := parse(t, "unix").Client(request("10.0.0.1:1", xff, "203.0.113.7")); got != "10.0.0.1" {
		t.Errorf("a peer by TCP is trusted as one of a Unix socket: %q", got)
	}
}

func TestListsThatTrustNobodyOrEverybodyAreErrors(t *testing.T) {
	for list, want := range map[string]string{
		"0.0.0.0/0": "trusts everybody", "::/0": "trusts everybody", "10.0.0.0/8,::ffff:0.0.0.0/96": "trusts everybody",
		"forwarded": "no proxy is named", ",": "neither", "10.0.0.0/33": "neither", "fe80::1%eth0": "neither", "proxy.example.com": "neither",
		"10.0.0.1:80": "neither", "10.0.0.1 10.0.0.2": "neither", "Unix": "neither",
	} {
		if _, err := proxy.Parse(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", list, err, want)
		}
	}
}

func TestATrustedProxyNamesTheRequest(t *testing.T) {
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	trusted := parse(t, "10.0.0.0/8")
	for _, id := range []string{"a", "0b3e6b1d-6d0f-4b62-a3b4-53b0e4a6c2f1", strings.Repeat("~", 128), `"quoted"`} {
		if got := trusted.RequestID(request("10.0.0.1:1", proxy.HeaderRequestID, id)); got != id {
			t.Errorf("%q of a trusted proxy becomes %q", id, got)
		}
		if got := trusted.RequestID(request("192.0.2.1:1", proxy.HeaderRequestID, id)); !made.MatchString(got) {
			t.Errorf("%q of a stranger becomes %q", id, got)
		}
	}
	for _, id := range []string{"", "a b", "a\tb", "a\nb", "é", strings.Repeat("a", 129), "\x7f"} {
		if got := trusted.RequestID(request("10.0.0.1:1", proxy.HeaderRequestID, id)); !made.MatchString(got) {
			t.Errorf("%q becomes %q", id, got)
		}
	}
	if got := trusted.RequestID(request("10.0.0.1:1", proxy.HeaderRequestID, "a", proxy.HeaderRequestID, "b")); !made.MatchString(got) {
		t.Errorf("two ids become %q", got)
	}
	seen := map[string]bool{}
	for range 1000 {
		seen[trusted.RequestID(request("10.0.0.1:1"))] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d ids of 1000 differ", len(seen))
	}
}

// Whatever a client sends through a proxy, what is logged is short and an address.
func FuzzClient(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.2", "for=1.2.3.4")
	f.Add("fe80::1%x", `for="[::1]:1"`)
	lists := []proxy.Trusted{parse(f, "10.0.0.0/8"), parse(f, "10.0.0.0/8,forwarded")}
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, trusted := range lists {
			got := trusted.Client(request("10.0.0.1:1", xff, one, "Forwarded", two))
			if net.ParseIP(got) == nil {
				t.Errorf("%q, %q make %q", one, two, got)
			}
		}
	})
}
