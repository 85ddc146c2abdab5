//go:build linux

package doors

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/totptest"
)

// refusedOnce are the requests that get no verdict when they meet a server that is down, once
// until the proxy asks that server again. nginx cannot tell a GET whose connection was refused
// from a GET whose answer was lost, and Caddy 2.6 has closed the body of a POST after its
// first try.
var refusedOnce = map[string]string{"nginx": "GET", "caddy": "POST"}

// retryTime is how long nginx and Caddy leave out a server in the tests.
const retryTime = time.Second

func checksGoOnWhileAServerIsDown(t *testing.T, d *door) {
	d.relays[1].down()
	defer d.mend(t, d.relays[1])
	begin, failed := time.Now(), 0
	for i := range 9 {
		name := fmt.Sprintf("%s down %d", d.name, i)
		key := d.add(t, name)
		for n, method := range []string{"POST", "GET"} {
			code := []string{codeOf(t, key), nextCodeOf(t, key)}[n]
			status, text, _ := d.program(t).check(method, name, code)
			for verdict(text) != "valid" {
				failed++
				if isVerdict(status, text) || refusedOnce[d.name] != method || failed > 1+int(time.Since(begin)/retryTime) {
					t.Fatalf("%s %d: %d %s", method, i, status, text)
				}
				status, text, _ = d.program(t).check(method, name, code)
			}
		}
	}
}

// The kernel takes connections for a process that is stopped. Caddy and HAProxy learn from
// /readyz, and nginx from the first request that it gives up.
func aServerThatHangsIsLeftOut(t *testing.T, d *door) {
	hanging := d.cluster.servers[2]
	hanging.Signal(syscall.SIGSTOP)
	defer d.mend(t)
	defer hanging.Signal(syscall.SIGCONT)
	p := d.program(t)
	p.http.Timeout = 3 * time.Second
	d.await("leaving out a server that hangs", func() bool {
		for range d.relays {
			if !p.isAnswered(site + "/check/12345") {
				return false
			}
		}
		return true
	})
}

// isAnswered reports whether a GET with the bearer gets a verdict.
func (c client) isAnswered(url string) bool {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+cmdtest.Bearer)
	resp, err := c.http.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Each server gives its verdict, and each answer is lost: whoever is asked next would call
// a good code replayed and charge a wrong one twice.
func aLostAnswerIsNotAskedAgain(t *testing.T, d *door) {
	for _, c := range []struct {
		method string
		kept   bool // on a connection that has had an answer before
	}{{"GET", false}, {"GET", true}, {"POST", false}, {"POST", true}} {
		name := fmt.Sprintf("%s lost %v", d.name, c)
		key, p := d.add(t, name), d.program(t)
		code := codeOf(t, key)
		if c.kept {
			for range 4 {
				p.check("POST", name, "12345")
			}
		}
		status, text, lost := d.losing(func() (int, string) {
			status, text, _ := p.check(c.method, name, code, "Idempotency-Key", "0123456789abcdef"+codeOf(t, key))
			return status, text
		})
		if lost != 1 || isVerdict(status, text) {
			t.Errorf("%+v: %d servers were asked, and the answer is %d %s", c, lost, status, text)
		}
		d.mend(t)
	}
}

// losing asks while every answer to a check is lost, and returns how many were.
func (d *door) losing(ask func() (status int, text string)) (status int, text string, lost int) {
	for _, r := range d.relays {
		r.lose(all)
	}
	status, text = ask()
	for _, r := range d.relays {
		lost += r.lostAnswers()
		r.lose(0)
	}
	return status, text, lost
}

func noServerMeansNoVerdict(t *testing.T, d *door) {
	const token = "MFRGGZDFMZTWQ2LKMFRGGZDFMZ"
	d.hide(token, "secretname")
	for _, r := range d.relays {
		r.down()
	}
	defer d.mend(t, d.relays...)
	p := d.program(t)
	for range 2 { // the second time they are known to be down
		for _, method := range []string{"GET", "POST"} {
			status, text, _ := p.check(method, "secretname", codeOf(t, newKey(t)))
			if status < 502 || status > 504 || isVerdict(status, text) {
				t.Errorf("%s: %d %s", method, status, text)
			}
			for _, path := range []string{"/enrol/" + token, "/?setup=" + token} {
				a := p.ask(method, site+path, "code="+token, "Referer", site+"/?setup="+token, "Cookie", "__Secure-enrolment="+token, "Authorization", basic())
				if a.status < 502 || a.status > 504 {
					t.Errorf("%s of a page: %d %s", method, a.status, a.text)
				}
			}
		}
	}
	if got := d.totpctlCheck(t, "31415926"); got != "exit status 4" {
		t.Errorf("totpctl check: %s, want exit status 4", got)
	}
	d.searchLogs(t)
}

// The servers are there, and say themselves that they have no verdict; or the proxy says so,
// because their /readyz does.
func noDatabaseMeansNoVerdict(t *testing.T, d *door) {
	for _, method := range []string{"GET", "POST"} {
		status, text, _ := d.program(t).check(method, "", totptest.WrongCode(d.cluster.entry.Key, time.Now()))
		if status < 502 || status > 504 || isVerdict(status, text) {
			t.Errorf("%s: %s through %s: %d %s", t.Name(), method, d.name, status, text)
		}
	}
}

// basic has the credentials of an administrator, for programs.
func basic() string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth("admin", adminBearer)
	return r.Header.Get("Authorization")
}
