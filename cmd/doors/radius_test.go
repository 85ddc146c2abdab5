//go:build linux

package doors

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/totptest"
)

const (
	radiusPage   = "radius.md"
	radiusSecret = "a-long-random-secret" // in the recipe
	radiusUser   = "freerad"
)

// A radius is a FreeRADIUS with Debian's configuration, changed as the manual says.
type radius struct {
	t       *testing.T
	dir     string // of its configuration and its logs
	addr    string
	door    *door // to the server that it asks, without a proxy
	process *exec.Cmd
}

func startRadius(t *testing.T, site string) *radius {
	t.Helper()
	r := &radius{t: t, dir: filepath.Join(t.TempDir(), "raddb"), addr: freeAddress(t, "127.0.0.1"), door: newDoor(t, "radius", alone(t))}
	r.bash("cp -a /etc/freeradius/3.0 " + r.dir + " && mkdir " + r.dir + "/log")
	_, port, _ := strings.Cut(r.addr, ":")
	for file, text := range map[string]string{
		"clients.conf":         replaced(t, cmdtest.Recipe(t, radiusPage, "clients"), "192.0.2.1", "127.0.0.1"),
		"mods-enabled/totpctl": replaced(t, cmdtest.Recipe(t, radiusPage, "module"), "127.0.0.1:5000", r.door.relays[0].addr),
		"sites-enabled/totpctl": replaced(t, cmdtest.Recipe(t, radiusPage, site), `"BEARER"`, `"`+cmdtest.Bearer+`"`,
			"ipaddr = *", "ipaddr = 127.0.0.1", "port = 1812", "port = "+port),
	} {
		if err := os.WriteFile(filepath.Join(r.dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The paths of an installed FreeRADIUS, and its second of waiting before a reject.
	r.bash(fmt.Sprintf("cd %[1]s && sed -i -e 's#/var/log/freeradius#%[1]s/log#; s#^raddbdir = .*#raddbdir = %[1]s#; s#^run_dir = .*#run_dir = %[1]s/log#; s#reject_delay = 1#reject_delay = 0#' radiusd.conf", r.dir))
	r.bash("chmod 755 " + filepath.Dir(filepath.Dir(r.dir)) + " && chown " + radiusUser + " " + r.dir + "/log")
	r.bash("set -e\n" + replaced(t, cmdtest.Recipe(t, radiusPage, "install"), "/etc/freeradius/3.0", r.dir, "freeradius -C", "freeradius -C -d "+r.dir))
	r.run()
	return r
}

// bash runs commands, of the manual or for the test.
func (r *radius) bash(commands string) {
	r.t.Helper()
	if out, err := exec.Command("bash", "-c", commands).CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v\n%s", commands, err, out)
	}
}

func (r *radius) run() {
	r.t.Helper()
	r.process = exec.Command("freeradius", "-f", "-d", r.dir)
	r.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := r.process.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.process.Process.Signal(syscall.SIGTERM); r.process.Wait() })
	for deadline := time.Now().Add(patience); !strings.Contains(r.logs(), "Ready to process requests"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("FreeRADIUS is not ready:\n%s", tail(r.logs()))
		}
	}
}

// logs are all that it has written.
func (r *radius) logs() string {
	r.t.Helper()
	var all strings.Builder
	filepath.WalkDir(filepath.Join(r.dir, "log"), func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			text, _ := os.ReadFile(path)
			all.Write(text)
		}
		return err
	})
	return all.String()
}

// radtest runs the manual's command, and returns what FreeRADIUS answers.
func (r *radius) radtest(account, code string) string {
	r.t.Helper()
	r.door.hide(code)
	command := replaced(r.t, cmdtest.Recipe(r.t, radiusPage, "try"), "alice", "'"+account+"'", "CODE", "'"+code+"'", "127.0.0.1:1812", r.addr)
	out, _ := exec.Command("bash", "-c", command).CombinedOutput() // which ends with an error for a reject
	for _, answer := range []string{"Access-Accept", "Access-Reject"} {
		if strings.Contains(string(out), "Received "+answer) {
			return answer
		}
	}
	return string(out)
}

func TestTheManualsFreeRADIUSLetsACodeInOnce(t *testing.T) {
	r := startRadius(t, "site")
	alice, bob := r.door.add(t, "alice"), r.door.add(t, "bob@example.com")
	recovery := r.recoveryCode("alice")
	wrong := totptest.WrongCodes(bob, time.Now(), 3)
	for _, c := range []struct{ what, account, code, want string }{
		{"a good code", "alice", codeOf(t, alice), "Access-Accept"},
		{"the same again", "alice", codeOf(t, alice), "Access-Reject"},
		{"the next code", "alice", nextCodeOf(t, alice), "Access-Accept"},
		{"another account's code", "bob@example.com", codeOf(t, alice), "Access-Reject"},
		{"a code of no account", "carol", codeOf(t, alice), "Access-Reject"},
		{"a recovery code", "alice", strings.ToLower(recovery), "Access-Accept"},
		{"the same again", "alice", recovery, "Access-Reject"},
		{"a wrong code", "bob@example.com", wrong[0], "Access-Reject"},
		{"a second one", "bob@example.com", wrong[1], "Access-Reject"},
		{"a good code, throttled", "bob@example.com", codeOf(t, bob), "Access-Reject"},
	} {
		if got := r.radtest(c.account, c.code); got != c.want {
			t.Errorf("%s: %s, want %s\n%s", c.what, got, c.want, tail(r.logs()))
		}
	}
	r.searchLogs(t)
}

// recoveryCode makes new ones for an account, and returns the first.
func (r *radius) recoveryCode(account string) string {
	r.t.Helper()
	req, err := http.NewRequest("POST", r.door.cluster.servers[0].URL+"/accounts/"+account+"/recovery-codes", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminBearer)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	var made struct {
		Codes []string `json:"recovery_codes"`
	}
	if json.Unmarshal(text, &made) != nil || len(made.Codes) == 0 {
		r.t.Fatalf("making recovery codes: %d %s", resp.StatusCode, text)
	}
	return made.Codes[0]
}

// searchLogs finds secrets in what FreeRADIUS has written.
func (r *radius) searchLogs(t *testing.T) {
	t.Helper()
	logs := r.logs()
	for _, secret := range append(r.door.secrets, radiusSecret) {
		if indexOf(logs, secret) >= 0 {
			t.Errorf("FreeRADIUS logs the secret %s:\n%s", secret, logs)
		}
	}
}

func TestTheManualsFreeRADIUSTakesNoOddBytesAndNoForgedPackets(t *testing.T) {
	r := startRadius(t, "site")
	key := r.door.add(t, "alice")
	code := codeOf(t, key)
	r.door.hide(code)
	for _, c := range []struct {
		what, name, password string
		want                 int
	}{
		{"a NUL behind the name", "alice\x00x", code, accessReject},
		{"a newline behind the name", "alice\n", code, accessReject},
		{"a newline behind the code", "alice", code + "\n", accessReject},
		{"an injected name", `bob","account":"alice`, code, accessReject},
		{"an injected code", "bob", code + `","account":"alice`, accessReject},
		{"an expansion in the name", "%{User-Password}", code, accessReject},
		{"an expansion in the code", "alice", "%{exec:/bin/true}", accessReject},
		{"a backslash", `alice\`, code, accessReject},
		{"bytes that are no UTF-8", "alice\xff", code, accessReject},
		{"another path", "../accounts/alice", code, accessReject},
		{"no name", "", code, accessReject},
	} {
		if got := r.send(2*time.Second, accessOf(c.name, c.password, true))[0]; got != c.want {
			t.Errorf("%s: answer %d, want %d\n%s", c.what, got, c.want, tail(r.logs()))
		}
	}
	if n := r.door.relays[0].askedChecks(); n != 0 {
		t.Errorf("totpctl was asked %d times, want none", n)
	}
	for what, packet := range map[string][]byte{
		"no Message-Authenticator":       accessOf("alice", code, false),
		"a Proxy-State put in by others": accessOf("alice", code, false, proxyState, "forged"),
	} {
		if got := r.send(time.Second, packet)[0]; got != 0 {
			t.Errorf("%s: answer %d, want none", what, got)
		}
	}
	again := accessOf("alice", code, true)
	// FreeRADIUS passes over a repetition that comes before it has put the first request away.
	got := r.send(2*time.Second, again, again, again)
	if got[0] != accessAccept || slices.Contains(got, accessReject) || got[2] != accessAccept {
		t.Errorf("a request and its repetitions by the device: %v, want the same answer\n%s", got, tail(r.logs()))
	}
	r.searchLogs(t)
}

func TestTheManualsFreeRADIUSLetsNobodyInWithoutAVerdict(t *testing.T) {
	r := startRadius(t, "site")
	key, relay := r.door.add(t, "alice"), r.door.relays[0]
	code := codeOf(t, key)
	r.door.hide(code)
	relay.down()
	if got := r.send(time.Second, accessOf("alice", code, true))[0]; got != 0 {
		t.Errorf("while totpctl is down: answer %d, want none", got)
	}
	relay.up()
	relay.lose(all)
	if got := r.send(time.Second, accessOf("alice", code, true))[0]; got != 0 {
		t.Errorf("while answers are lost: answer %d, want none", got)
	}
	relay.lose(0)
	bob := r.door.add(t, "bob")
	r.send(2*time.Second, accessOf("bob", "12345", true)) // from now on there is a connection
	relay.lose(1)
	if got := r.send(6*time.Second, accessOf("bob", codeOf(t, bob), true))[0]; got != accessAccept || relay.lostAnswers() != 1 {
		t.Errorf("when a kept connection breaks off: answer %d, want Access-Accept under the same Idempotency-Key", got)
	}
	relay.lose(0)
	if got := r.radtest("alice", nextCodeOf(t, key)); got != "Access-Accept" {
		t.Errorf("when totpctl is back: %s, want Access-Accept\n%s", got, tail(r.logs()))
	}
	r.searchLogs(t)
}

func TestTheManualsFreeRADIUSTakesAPasswordAndACodeInOneField(t *testing.T) {
	r := startRadius(t, "site-password")
	passwords, keys := map[string]string{"alice": "correct horse", "bob": `a"b]%{User-Name}[^'$(x)1`, "dave": `c:\new`}, map[string]totp.Key{}
	users := ""
	for name, password := range passwords {
		key, err := totp.GenerateKey(totp.Scheme{Algorithm: totp.SHA1, Digits: 6, Period: cmdtest.Period})
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = key
		r.door.addKey(t, name, key)
		r.door.hide(password, codeOf(t, key), nextCodeOf(t, key))
		users += fmt.Sprintf("%s Cleartext-Password := '%s'\n", name, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password))
	}
	r.restart("mods-config/files/authorize", users)
	r.send(2*time.Second, accessOf("alice", "correct house"+codeOf(t, keys["alice"]), true))
	if r.door.relays[0].askedChecks() != 0 {
		t.Error("totpctl was asked after a wrong password")
	}
	for _, c := range []struct {
		what, name, password string
		want                 int
	}{
		{"the code alone", "alice", codeOf(t, keys["alice"]), accessReject},
		{"the password alone", "alice", passwords["alice"], accessReject},
		{"a wrong password", "alice", "correct house" + codeOf(t, keys["alice"]), accessReject},
		{"a wrong code", "alice", passwords["alice"] + totptest.WrongCode(keys["alice"], time.Now()), accessReject},
		{"both", "alice", passwords["alice"] + codeOf(t, keys["alice"]), accessAccept},
		{"both again", "alice", passwords["alice"] + codeOf(t, keys["alice"]), accessReject},
		{"the next code", "alice", passwords["alice"] + nextCodeOf(t, keys["alice"]), accessAccept},
		{"a password of odd characters", "bob", passwords["bob"] + codeOf(t, keys["bob"]), accessAccept},
		{"a password with a backslash", "dave", passwords["dave"] + codeOf(t, keys["dave"]), accessReject},
		{"another password, which FreeRADIUS would change into it", "dave", `c:\\new` + codeOf(t, keys["dave"]), accessReject},
		{"somebody without a password", "carol", "x" + codeOf(t, keys["bob"]), accessReject},
	} {
		if got := r.send(2*time.Second, accessOf(c.name, c.password, true))[0]; got != c.want {
			t.Errorf("%s: answer %d, want %d\n%s", c.what, got, c.want, tail(r.logs()))
		}
	}
	r.door.relays[0].down()
	if got := r.send(time.Second, accessOf("bob", passwords["bob"]+nextCodeOf(t, keys["bob"]), true))[0]; got != 0 {
		t.Errorf("while totpctl is down: answer %d, want none", got)
	}
	r.searchLogs(t)
}

// restart lets it read a file of its configuration anew.
func (r *radius) restart(file, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, file), []byte(text), 0o640); err != nil {
		r.t.Fatal(err)
	}
	r.process.Process.Signal(syscall.SIGTERM)
	r.process.Wait()
	r.bash("rm " + r.dir + "/log/radius.log")
	r.run()
}
