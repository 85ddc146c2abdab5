//go:build linux

package cmd_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"totpctl/cmd/cmdtest"
)

// tty [-size COLUMNSxLINES] [-answer REGEXP=TEXT]… [-until REGEXP] [-hangup] [-exit CODE]
// COMMAND… runs a command with a terminal for all its streams. It types each TEXT and
// Return when what the command has shown since the last one matches. Then it types Ctrl-C
// when what the command shows matches, or closes the terminal. It leaves what was shown
// for stdout.
func tty(ts *testscript.TestScript, neg bool, args []string) {
	f := flag.NewFlagSet("tty", flag.ContinueOnError)
	size := f.String("size", "80x24", "")
	var answers []answer
	f.Func("answer", "", func(text string) error {
		prompt, typed, _ := strings.Cut(text, "=")
		answers = append(answers, answer{regexp.MustCompile(prompt), typed})
		return nil
	})
	until := f.String("until", "", "")
	hangUp := f.Bool("hangup", false, "")
	exit := f.Int("exit", 0, "")
	ts.Check(f.Parse(args))
	var columns, lines uint16
	_, err := fmt.Sscanf(*size, "%dx%d", &columns, &lines)
	ts.Check(err)
	control, terminal, err := cmdtest.OpenTerminal(columns, lines)
	ts.Check(err)
	defer control.Close()
	path, err := exec.LookPath(f.Arg(0))
	ts.Check(err)
	c := exec.Command(path, f.Args()[1:]...)
	c.Env, c.Dir = environment(ts), ts.MkAbs(".")
	c.Stdin, c.Stdout, c.Stderr = terminal, terminal, terminal
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(c.Start())
	terminal.Close()
	kill := time.AfterFunc(patience, func() { c.Process.Kill() })
	shown := watch(control, answers, *until, *hangUp)
	c.Wait()
	fmt.Fprint(ts.Stdout(), strings.ReplaceAll(shown, "\r\n", "\n"))
	if !kill.Stop() {
		ts.Fatalf("it goes on:\n%q", shown)
	}
	if got := c.ProcessState.ExitCode(); got != *exit {
		ts.Fatalf("exit code is %d, want %d:\n%s", got, *exit, shown)
	}
}

// An answer is what people type when they are shown a prompt.
type answer struct {
	prompt *regexp.Regexp
	typed  string
}

// watch reads a terminal until its last process ends. It types the answers in their order,
// then Ctrl-C once when until matches, or hangs up.
func watch(control *os.File, answers []answer, until string, hangUp bool) string {
	var shown bytes.Buffer
	wanted, answered := regexp.MustCompile(until), 0
	for chunk := make([]byte, 4096); ; {
		n, err := control.Read(chunk)
		shown.Write(chunk[:n])
		if err != nil { // EIO: all have closed it
			return shown.String()
		}
		if len(answers) > 0 {
			if answers[0].prompt.Match(shown.Bytes()[answered:]) {
				answered = shown.Len()
				fmt.Fprint(control, answers[0].typed+"\r")
				answers = answers[1:]
			}
			continue
		}
		if until != "" && wanted.Match(shown.Bytes()) {
			if hangUp {
				control.Close()
			}
			control.Write([]byte{3})
			until = ""
		}
	}
}
