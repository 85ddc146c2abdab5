//go:build linux

package cmd_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
)

// A pane is a terminal of tmux, which breaks lines when it becomes narrower, as most
// terminals do.
type pane struct {
	t      *testing.T
	socket string
}

func newPane(t *testing.T, columns int, command string) pane {
	t.Helper()
	p := pane{t, filepath.Join(t.TempDir(), "tmux")}
	t.Cleanup(func() { exec.Command("tmux", "-S", p.socket, "kill-server").Run() })
	p.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", "12",
		"-e", "TOTP_BASE32_SECRET=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", command)
	return p
}

func (p pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// shows waits until the screen has past codes, and below them a line of the form.
func (p pane) shows(form string) {
	p.t.Helper()
	wanted := regexp.MustCompile(`^\n*(\d{3} \d{3} *\n)*` + form + ` *\n*$`)
	var screen string
	for range 100 {
		if screen = p.tmux("capture-pane", "-p", "-S", "-"); wanted.MatchString(screen) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	p.t.Errorf("the screen shows\n%s\nwant a last line like %s", strings.TrimRight(screen, "\n"), form)
}

// afterRedraw waits until 0.2 s after the live line was drawn anew, which it is at whole
// seconds. No program can know the width that a terminal takes while it is written to, so
// that a line which is drawn at the moment of a resize leaves pieces.
func afterRedraw() {
	time.Sleep(1200*time.Millisecond - time.Duration(time.Now().Nanosecond()))
}

func TestGenShowsOneLiveLineInATerminalThatIsResized(t *testing.T) {
	t.Parallel()
	const code, seconds = `\d{3} \d{3}`, `  [1-9] s`
	// Tmux takes what breaks at the top of the screen out of everybody's reach.
	p := newPane(t, 80, `printf '\n\n\n\n\n\n'; `+cmdtest.Binary(t)+" gen --next --period 9")
	for _, size := range []struct {
		columns int
		form    string
	}{
		{80, code + `  \[[#.]{30}\]` + seconds + "  next " + code},
		{200, code + `  \[[#.]{30}\]` + seconds + "  next " + code},
		{40, code + `  \[[#.]{8}\]` + seconds + "  next " + code},
		{20, code + "  " + code},
		{40, code + `  \[[#.]{8}\]` + seconds + "  next " + code},
		{17, code + seconds},
		{7, code},
		{80, code + `  \[[#.]{30}\]` + seconds + "  next " + code},
	} {
		afterRedraw()
		p.tmux("resize-window", "-x", fmt.Sprint(size.columns), "-y", "12")
		p.shows(size.form)
	}
}
