package client

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"totpctl/server/api"
	"totpctl/totp"
)

// The prototype's server, but for its QR page and its address.
const flaskServer = `
from flask import Flask, jsonify, abort, request
import os
from dotenv import load_dotenv
from functools import wraps
import pyotp
current_dir = os.path.dirname(os.path.abspath(__file__))
load_dotenv(dotenv_path="{}/.env".format(current_dir))
totp = pyotp.TOTP(os.getenv('TOTP_BASE32_SECRET'))
app = Flask(__name__)
def verify(key):
    return totp.verify(key)
def authorize(f):
    @wraps(f)
    def decorated_function(*args, **kws):
        if not 'Authorization' in request.headers:
            abort(401)
        data = request.headers['Authorization']
        token = str.replace(str(data), 'Bearer ', '')
        if token != os.getenv('BEARER'):
            abort(401)
        return f(*args, **kws)
    return decorated_function
@app.route('/check/<key>', methods=['GET'])
@authorize
def alert(key):
    status = verify(key)
    return jsonify({'status': status})
if __name__ == "__main__":
    app.run(host='127.0.0.1', port=0)
`

// startPrototype returns the address that Flask says it has.
func startPrototype(t *testing.T, key totp.Key) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("app.py", flaskServer)
	write(".env", "TOTP_BASE32_SECRET="+key.Secret().Base32()+"\nBEARER="+bearer+"\n")
	c := exec.CommandContext(t.Context(), "/usr/bin/python3", "-u", filepath.Join(dir, "app.py")) // Debian's: it has the packages
	c.Env = []string{"PATH=/usr/bin"}
	log, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	var said string
	for lines := bufio.NewScanner(log); lines.Scan(); said += lines.Text() + "\n" {
		if m := regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`).FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, log)
			return m[1]
		}
	}
	t.Fatalf("the prototype did not start (python3-flask, python3-pyotp, python3-dotenv?):\n%s", said)
	return ""
}

func TestThePrototypesServerIsUnderstood(t *testing.T) {
	key, err := totp.GenerateKey(totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	url := startPrototype(t, key)
	c := newClient(t, url)
	check := func(age time.Duration) Result {
		t.Helper()
		digits, err := key.Code(time.Now().Add(-age))
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Check(t.Context(), api.Question{Code: digits})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	valid := check(0).Status
	if !valid {
		valid = check(0).Status // a step may have ended in between, which it does not do twice
	}
	if !valid {
		t.Error("the present code is not valid")
	}
	r := check(time.Hour)
	if r.Status || r.Reason != "" || r.ClockOffset == nil || r.ClockOffset.Abs() > 5*time.Second {
		t.Errorf("an old code is %+v", r)
	}
	if r, err := c.Check(t.Context(), api.Question{Code: "abcdef"}); err != nil || r.Status || r.Reason != "malformed" {
		t.Errorf("letters are %+v, %v", r, err)
	}
	stranger, err := New(Config{URL: url, Bearer: "another", Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.Check(t.Context(), api.Question{Code: code})
	wantError(t, err, "answer is 401 unauthorized", "BEARER")
}
