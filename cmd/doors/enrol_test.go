//go:build linux

package doors

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
)

// add makes an account that is active at once, not through the door.
func (d *door) add(t *testing.T, name string) totp.Key {
	t.Helper()
	key := newKey(t)
	d.addKey(t, name, key)
	return key
}

func (d *door) addKey(t *testing.T, name string, key totp.Key) {
	t.Helper()
	d.hide(key.Secret().Base32())
	body, _ := json.Marshal(map[string]string{"account": name, "uri": totp.Entry{Account: name, Key: key}.URI()})
	req, err := http.NewRequest("POST", d.cluster.servers[0].URL+"/accounts", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminBearer)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusCreated {
		t.Fatalf("adding %s: %d %s", name, resp.StatusCode, text)
	}
}

// enrols does what an administrator, the account's owner and her application do.
func enrols(t *testing.T, d *door, base, name string) {
	link := d.link(t, base, name)
	at, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	b := d.browser(t)
	button := b.ask("GET", link, "")
	cookie := find(t, `name="browser" value="([^"]+)"`, button.text)
	if set := button.Get("Set-Cookie"); !strings.Contains(set, "Path="+at.Path+";") || !strings.Contains(set, "Secure") {
		t.Errorf("the cookie is %q", set)
	}
	if a := d.browser(t).ask("POST", link, "", "Origin", "https://attacker.example"); a.status != http.StatusForbidden {
		t.Errorf("a form of another site: %d", a.status)
	}
	shown := b.form(link, url.Values{"browser": {cookie}})
	uri := html.UnescapeString(find(t, `(otpauth://totp/[^"]*)"`, shown.text))
	entry, err := totp.ParseURI(uri)
	if err != nil || shown.Get("Content-Encoding") != "" {
		t.Fatalf("the page of the QR code: %v, %v", err, shown.Header)
	}
	d.hide(entry.Key.Secret().Base32(), codeOf(t, entry.Key))
	if a := d.browser(t).form(link, url.Values{}); a.status != http.StatusNotFound || strings.Contains(a.text, "otpauth") {
		t.Errorf("the link in another browser: %d %s", a.status, a.text)
	}
	kept := b.form(link, url.Values{"code": {codeOf(t, entry.Key)}})
	recovery := regexp.MustCompile(`<wbr>|</?span>`).ReplaceAllString(find(t, `<li>(.*?)</li>`, kept.text), "")
	d.hide(recovery)
	if done := b.form(link, url.Values{"kept": {"yes"}}); done.status != http.StatusOK || done.at != base+"/enrolled" {
		t.Errorf("after the recovery codes: %d at %s", done.status, done.at)
	}
	for _, static := range staticFiles(t, kept.text) {
		if a := b.ask("GET", at.ResolveReference(&url.URL{Path: static}).String(), ""); a.status != http.StatusOK {
			t.Errorf("%s: %d", static, a.status)
		}
	}
	for i, want := range []string{"valid", "invalid"} {
		a := d.program(t).ask("POST", base+"/check", questionOf(name, "recovery_code", recovery), "Authorization", "Bearer "+cmdtest.Bearer)
		if got := verdict(a.text); got != want {
			t.Errorf("recovery code, check %d: %s, want %s", i, got, want)
		}
	}
}

// link makes a pending account through the door.
func (d *door) link(t *testing.T, base, name string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"account": name})
	a := d.program(t).ask("POST", base+"/accounts", string(body), "Authorization", "Bearer "+adminBearer)
	var made struct {
		URL string `json:"enrol_url"`
	}
	if err := json.Unmarshal([]byte(a.text), &made); err != nil || a.status != http.StatusCreated || !strings.HasPrefix(made.URL, base+"/enrol/") {
		t.Fatalf("making an account: %d %s", a.status, a.text)
	}
	d.hide(made.URL[strings.LastIndex(made.URL, "/")+1:])
	return made.URL
}

func find(t *testing.T, pattern, text string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("want %s in\n%s", pattern, text)
	}
	return m[1]
}

// staticFiles are what a page loads, relative to it.
func staticFiles(t *testing.T, page string) (files []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]*static/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		files = append(files, m[1])
	}
	if len(files) == 0 {
		t.Fatalf("the page loads nothing:\n%s", page)
	}
	return files
}

// totpctlCheck runs totpctl check as on another machine and returns how it ends. A proxy for
// its CONNECT takes the place of the name service.
func (d *door) totpctlCheck(t *testing.T, code string, env ...string) string {
	t.Helper()
	d.hide(code)
	internet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("tcp", d.address(r.Host))
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer to.Close()
		w.WriteHeader(http.StatusOK)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		go io.Copy(to, conn)
		io.Copy(conn, to)
	}))
	defer internet.Close()
	c := exec.Command(cmdtest.Binary(t), "check", "--timeout", "3s", "-")
	c.Dir, c.Stdin = t.TempDir(), strings.NewReader(code+"\n")
	c.Env = append([]string{"TOTPCTL_URL=" + site, "BEARER=" + cmdtest.Bearer, "HTTPS_PROXY=" + internet.URL, "SSL_CERT_FILE=" + d.trusted()}, env...)
	out, err := c.CombinedOutput()
	if err == nil {
		return "valid"
	}
	if _, ended := err.(*exec.ExitError); !ended {
		t.Fatalf("%v: %s", err, out)
	}
	return fmt.Sprint(err)
}

// trusted is the file of the certificate authority that signs for the door.
func (d *door) trusted() string {
	own := filepath.Join(d.dir, "cert.pem")
	if _, err := os.Stat(own); err == nil {
		return own
	}
	return filepath.Join(d.dir, "pki/authorities/local/root.crt")
}
