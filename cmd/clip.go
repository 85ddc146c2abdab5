package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"totpctl/cmd/authenticator"
	"totpctl/cmd/clipboard"
	"totpctl/cmd/hint"
	"totpctl/server/api"
)

const genClipHelp = `With --clip it copies one code instead of printing it, says how on standard error,
and returns; a process that it leaves behind clears the clipboard when the code is
over, unless something else was copied since. It takes the desktop's clipboard;
over ssh, or without a desktop, tmux or the terminal (OSC 52, which a terminal may
refuse), whose clipboard is cleared in any case. Where the terminal closes with
the command (ssh -t HOST totpctl gen --clip), the command stays until then.`

func addClipFlag(c *cobra.Command, clip *bool) {
	c.Flags().BoolVar(clip, "clip", false, "copy one code to the clipboard instead of printing it")
	c.MarkFlagsMutuallyExclusive("clip", "json")
	c.MarkFlagsMutuallyExclusive("clip", "all")
	c.MarkFlagsMutuallyExclusive("clip", "at")
}

// A clearing is what the process that clears the clipboard must know. It is on standard
// input, because arguments are public.
type clearing struct {
	Way   clipboard.Way `json:"way"`
	Code  string        `json:"code"`
	Until time.Time     `json:"until"`
}

// A copier copies codes, and has each cleared when its time is over.
type copier struct {
	program   program
	terminal  *os.File // nil where there is none
	clipboard clipboard.Config
	last      *exec.Cmd // the process that clears the terminal's clipboard
}

func (p program) copier() *copier {
	c := &copier{program: p, terminal: p.terminal(), clipboard: clipboard.Config{Getenv: os.Getenv}}
	if c.terminal != nil {
		c.clipboard.Terminal = c.terminal
	}
	return c
}

// terminal returns the terminal of the process, wherever its streams lead; nil if there
// is none.
func (p program) terminal() *os.File {
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONOUT$"
	}
	if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {
		return f
	}
	for _, f := range []*os.File{p.errOut, p.out} {
		if isTerminal(f) {
			return f
		}
	}
	return nil
}

// clipNow copies the present code. c's clock may be shifted by --offset, so the end of the
// code is counted from p's.
func (p program) clipNow(c authenticator.Config) error {
	code, lasts, err := authenticator.Now(c)
	if err != nil {
		return err
	}
	return p.clip(code, p.clock().Add(lasts))
}

// clip copies a code that expires at until, and says so.
func (p program) clip(code string, until time.Time) error {
	c := p.copier()
	way, err := c.clipboard.Copy(context.Background(), code)
	if err != nil {
		return hint.With(err, "install xclip, xsel or wl-clipboard, use a terminal that takes OSC 52, or print the code: `totpctl gen --once`")
	}
	told := fmt.Sprintf("copied to the clipboard (%s)", way)
	if way == clipboard.OSC52 {
		told = "sent to the terminal's clipboard (OSC 52), unless the terminal refuses"
	}
	told += fmt.Sprintf(": good for %d s, ", max(0, api.Seconds(until.Sub(p.clock()))))
	w := clearing{way, code, until}
	if way == clipboard.OSC52 && leadsSession() {
		return c.stay(w, told+"then cleared; until then this command stays, because the terminal closes with it")
	}
	if err := c.clearLater(w); err != nil {
		told += fmt.Sprintf("and never cleared: %v", err)
	} else {
		told += "then cleared"
	}
	p.warn(told)
	return nil
}

// forTable copies a code that expires after lasts. It returns a short note for the table,
// such as "copied (xclip)".
func (c *copier) forTable(code string, lasts time.Duration) (string, error) {
	until := c.program.clock().Add(lasts)
	way, err := c.clipboard.Copy(context.Background(), code)
	if err != nil {
		return "", err
	}
	// The process cannot see that the terminal's clipboard holds another code now, and
	// would clear that too early.
	if c.last != nil {
		_ = c.last.Process.Kill()
		c.last = nil
	}
	if err := c.clearLater(clearing{way, code, until}); err != nil {
		return "", fmt.Errorf("copied, but it will not be cleared: %w", err)
	}
	if way == clipboard.OSC52 {
		return "sent (OSC 52)", nil
	}
	return fmt.Sprintf("copied (%s)", way), nil
}

// clearLater starts a process that outlives this one and clears the clipboard.
func (c *copier) clearLater(w clearing) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	body, err := json.Marshal(w)
	if err != nil {
		return err
	}
	child := exec.Command(self, "clear-clipboard")
	child.Dir = os.TempDir() // so that the user's folder can be removed
	child.SysProcAttr = detached()
	if w.Way == clipboard.OSC52 {
		child.Stdout = c.terminal
	}
	in, err := child.StdinPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	if w.Way == clipboard.OSC52 {
		c.last = child
	}
	_, err = in.Write(body)
	err = errors.Join(err, in.Close())
	go child.Wait() // a table must leave no zombie behind
	return err
}

// stay waits in this process and then clears the clipboard; an interrupt clears it at once.
// Signals are caught before the message appears, so that no early Ctrl-C leaves the code
// behind.
func (c *copier) stay(w clearing, told string) error {
	ctx, stop := untilSignal()
	defer stop()
	c.program.warn(told)
	c.program.sleepUntil(ctx, w.Until)
	return c.clipboard.Clear(context.Background(), w.Way, w.Code)
}

// sleepUntil returns when the clock has reached t, or ctx has ended. It looks at the clock
// each second, because a timer stands still while the machine is suspended.
func (p program) sleepUntil(ctx context.Context, t time.Time) {
	for left := t.Sub(p.clock()); left > 0 && ctx.Err() == nil; left = t.Sub(p.clock()) {
		select {
		case <-ctx.Done():
		case <-time.After(min(left, time.Second)):
		}
	}
}

func (p program) clearClipboardCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "clear-clipboard",
		Hidden:  true,
		Short:   "Clear a copied code from the clipboard when it expires (gen starts this)",
		Example: "  totpctl clear-clipboard",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var w clearing
			if err := json.NewDecoder(io.LimitReader(p.in, 4096)).Decode(&w); err != nil {
				return hint.With(fmt.Errorf("reading standard input: %w", err), "`totpctl gen --clip` starts this command")
			}
			p.sleepUntil(c.Context(), w.Until)
			clip := clipboard.Config{Getenv: os.Getenv}
			if isTerminal(p.out) {
				clip.Terminal = p.out
			}
			return clip.Clear(context.Background(), w.Way, w.Code)
		},
	}
}
