package browsertest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"totpctl/server/servertest"
)

// ionicApp does what the prototype's ApiService and HomePage do: one GET with two
// headers, and a toast of the answer's status.
const ionicApp = `<!DOCTYPE html><title>Ionic app</title><script>
async function validate(url, bearer, code) {
	try {
		const response = await fetch(url + '/check/' + code, {
			headers: {'Content-Type': 'application/json', 'Authorization': 'Bearer ' + bearer}
		})
		const data = await response.json()
		return data.status ? 'OK' : 'Not valid code'
	} catch (error) {
		return 'HTTP Error'
	}
}
</script>`

// serveIonicApp serves it at an address of this machine.
func serveIonicApp(t *testing.T, address string) *net.TCPAddr {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the prototype's app is served at %s, but: %v", address, err)
	}
	app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, ionicApp)
	})}
	go app.Serve(l)
	t.Cleanup(func() { app.Close() })
	return l.Addr().(*net.TCPAddr)
}

func (b *tab) validateAsIonic(s *site, bearer, code string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("validate(%q, %q, %q)", s.URL, bearer, code))
}

func TestThePrototypesIonicAppGetsItsTwoToasts(t *testing.T) {
	serveIonicApp(t, "127.0.0.1:8100")
	s := newSite(t)
	b := newTab(t, phone)
	b.open(servertest.Origin)
	code := s.Code()
	for _, want := range []string{"OK", "Not valid code"} {
		if got := b.validateAsIonic(s, bearer, code); got != want {
			t.Errorf("toast is %q, want %q", got, want)
		}
	}
	if n := strings.Count(s.Log.String(), `"method":"OPTIONS"`); n == 0 {
		t.Error("the browser sent no preflight")
	}
}

func TestAnAppOfAnotherOriginReadsNothing(t *testing.T) {
	t.Parallel()
	address := serveIonicApp(t, "127.0.0.1:0")
	s := newSite(t)
	b := newTab(t, phone)
	b.allowFaults = true // the browser tells of what it refuses
	b.open(fmt.Sprintf("http://localhost:%d", address.Port))
	if got := b.validateAsIonic(s, bearer, s.Code()); got != "HTTP Error" {
		t.Errorf("toast is %q, want an error", got)
	}
	if n := len(s.requests()); n != 1 || s.requests()[0].Method != "OPTIONS" {
		t.Errorf("%d requests, want the preflight alone", n)
	}
}
