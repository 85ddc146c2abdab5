package clipboard

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// A tool is a set of commands around one clipboard. The text to copy is on standard
// input, never among the arguments, which every user of the machine can read.
type tool struct {
	copy, paste, clear []string
	blank              string // standard input of clear
}

// How long a program may take. Pasting happens in the background, and PowerShell starts
// slowly.
const (
	copyTime  = 3 * time.Second
	pasteTime = 15 * time.Second
)

// tools returns the programs for the clipboard of this machine.
func (c Config) tools(goos string) (all []tool) {
	has := func(name string) bool { return c.Getenv(name) != "" }
	switch {
	case goos == "darwin":
		return []tool{{copy: []string{"pbcopy"}, paste: []string{"pbpaste"}, clear: []string{"pbcopy"}}}
	case goos == "windows", has("WSL_DISTRO_NAME"), has("WSL_INTEROP"):
		all = append(all, tool{
			copy:  []string{"clip.exe"},
			paste: []string{"powershell.exe", "-NoProfile", "-NonInteractive", "-Command", "Get-Clipboard -Raw"},
			clear: []string{"clip.exe"},
		})
	case has("TERMUX_VERSION"):
		all = append(all, tool{copy: []string{"termux-clipboard-set"}, paste: []string{"termux-clipboard-get"}, clear: []string{"termux-clipboard-set"}})
	}
	if has("WAYLAND_DISPLAY") {
		// Without a type wl-copy would ask xdg-mime for one.
		all = append(all, tool{
			copy:  []string{"wl-copy", "--type", "text/plain"},
			paste: []string{"wl-paste", "--no-newline", "--type", "text/plain"},
			clear: []string{"wl-copy", "--clear"},
		})
	}
	if has("DISPLAY") {
		all = append(all, x11()...)
	}
	return all
}

func x11() []tool {
	xclip := []string{"xclip", "-selection", "clipboard"}
	return []tool{
		{copy: xclip, paste: []string{"xclip", "-selection", "clipboard", "-o"}, clear: xclip},
		{copy: []string{"xsel", "--clipboard", "--input"}, paste: []string{"xsel", "--clipboard", "--output"}, clear: []string{"xsel", "--clipboard", "--clear"}},
	}
}

// forwarded returns the programs for the clipboard of the machine at the other end of
// ssh -X, whose DISPLAY here begins with the name of a host.
func (c Config) forwarded() []tool {
	if d := c.Getenv("DISPLAY"); d == "" || strings.HasPrefix(d, ":") {
		return nil
	}
	return x11()
}

// tmux takes a copy for itself and hands it to the terminal around it (tmux(1),
// load-buffer -w), also with set-clipboard external, its default, which ignores an OSC
// 52 from within. As tmux sends no empty text, clear replaces the code by a space, and
// deletes both buffers.
func tmux() tool {
	return tool{
		copy:  []string{"tmux", "load-buffer", "-w", "-"},
		paste: []string{"tmux", "show-buffer"},
		clear: []string{"tmux", "load-buffer", "-w", "-", ";", "delete-buffer", ";", "delete-buffer"},
		blank: " ",
	}
}

func (t tool) way() way {
	return way{Way(t.copy[0]), t.put, t.empty}
}

func (t tool) put(ctx context.Context, text string) error {
	return run(ctx, copyTime, t.copy, text, nil)
}

func (t tool) empty(ctx context.Context, text string) error {
	var holds strings.Builder
	err := run(ctx, pasteTime, t.paste, "", &holds)
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		return nil // the clipboard is empty, or holds no text
	}
	if err != nil || strings.TrimRight(holds.String(), "\r\n") != text {
		return err
	}
	return run(ctx, copyTime, t.clear, t.blank, nil)
}

// run runs a program. Its streams are /dev/null where they are not given: xclip and
// wl-copy leave a process behind, which would hold a pipe open.
func run(ctx context.Context, most time.Duration, argv []string, input string, output *strings.Builder) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.WaitDelay = time.Second
	if input != "" {
		c.Stdin = strings.NewReader(input)
	}
	if output != nil {
		c.Stdout = output
	}
	err := c.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("it has not ended after %v", most)
	}
	if missing, ok := errors.AsType[*exec.Error](err); ok {
		return missing.Err
	}
	return err
}
