//go:build linux

package cmd_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"totpctl/cmd/cmdtest"
)

// The recipe works with proxy_pass http://unix:PATH, too, where nginx is in the socket's
// group.
func TestTheManualsNginxReachesAUnixSocket(t *testing.T) {
	n := newNginx(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	p := cmdtest.NewProgram(t, "sqlite:"+filepath.Join(t.TempDir(), "totpctl.db"))
	p.Env = append(p.Env, "LISTEN_ADDR=unix:"+path, "ADMIN_BEARER="+nginxAdminBearer, fmt.Sprintf("PUBLIC_URL=http://127.0.0.1:%d", n.port()))
	server := p.Serve()
	if os.Geteuid() == 0 { // nginx then runs as nobody
		if err := errors.Join(os.Chown(path, -1, nobody), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	n.start("http://unix:" + path)
	link, at := n.link("alice"), fmt.Sprintf("127.0.0.1:%d", n.port())
	for origin, want := range map[string]int{"http://attacker.example": 403, "http://" + at: 200} {
		if status, text := n.ask("POST", at, link.Path, "", "Origin", origin); status != want {
			t.Errorf("the button from %s: %d %s", origin, status, text)
		}
	}
	status, text := n.ask("GET", at, "/check/12345", "", "Authorization", "Bearer "+cmdtest.Bearer)
	if status != 200 || !strings.Contains(text, "malformed") {
		t.Errorf("a check: %d %s", status, text)
	}
	if lines := server.Lines(); !strings.Contains(lines, `"client":"unix"`) || strings.Contains(lines, `"client":"@"`) {
		t.Errorf("the request log does not name the peer unix:\n%s", lines)
	}
}
