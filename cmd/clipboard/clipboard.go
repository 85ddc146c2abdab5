// Package clipboard copies a code to the clipboard and clears it again: by the tools
// that the desktop has, or through the terminal by the escape sequence OSC 52, which
// also reaches the desktop over ssh.
package clipboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// A Config is what the process knows of its surroundings.
type Config struct {
	Getenv   func(name string) string
	Terminal io.Writer // takes OSC 52; nil where there is no terminal
}

// A Way is how a text came to the clipboard: the name of a program, or OSC52.
type Way string

// OSC52 is the terminal's escape sequence. Terminals may ignore it, and none says so.
const OSC52 Way = "OSC 52"

// A way is a Way with what it does.
type way struct {
	name  Way
	copy  func(ctx context.Context, text string) error
	clear func(ctx context.Context, text string) error
}

// Copy copies text in the first way that works and returns that Way. A program that
// has not ended after 3 s counts as failed. The error says why each way failed.
func (c Config) Copy(ctx context.Context, text string) (Way, error) {
	var failed []string
	for _, w := range c.ways(runtime.GOOS) {
		err := w.copy(ctx, text)
		if err == nil {
			return w.name, nil
		}
		failed = append(failed, fmt.Sprintf("%s: %v", w.name, err))
	}
	return "", errors.New("copying to the clipboard: " + strings.Join(failed, "; "))
}

// Clear empties the clipboard to which Copy has copied text in that way. Where the
// clipboard can be read, Clear leaves it alone unless it still holds text. Clear through
// the terminal can't know, and clears whatever is there.
func (c Config) Clear(ctx context.Context, by Way, text string) error {
	for _, w := range c.ways(runtime.GOOS) {
		if w.name == by {
			if err := w.clear(ctx, text); err != nil {
				return fmt.Errorf("clearing the clipboard: %s: %w", by, err)
			}
			return nil
		}
	}
	return fmt.Errorf("clearing the clipboard: no way is called %q", by)
}

// ways returns what may work here, the best first. Over ssh the terminal comes before
// this machine's programs, because the user sits before another machine; a forwarded
// X display is that machine's.
func (c Config) ways(goos string) (all []way) {
	terminal := way{OSC52, c.send, c.wipe}
	near, far := c.tools(goos), []tool(nil)
	if c.remote() {
		near, far = c.forwarded(), near
	}
	for _, t := range near {
		all = append(all, t.way())
	}
	if c.Getenv("TMUX") != "" {
		all = append(all, tmux().way())
	}
	all = append(all, terminal)
	for _, t := range far {
		all = append(all, t.way())
	}
	return all
}

func (c Config) remote() bool {
	return c.Getenv("SSH_CONNECTION") != "" || c.Getenv("SSH_TTY") != ""
}
