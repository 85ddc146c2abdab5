//go:build linux

package cmd_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Every script runs the real binary. What no output may ever show has
// "tell-nobody" in it.
const unspeakable = "tell-nobody"

func TestScripts(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LC_ALL", "C.UTF-8")
			e.Setenv("ROOT", root)
			e.Values[serversKey{}] = &servers{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"totpctl":    succeed,
			"exits":      exits,
			"mistake":    mistake,
			"mode":       mode,
			"lines":      countLines,
			"giveaway":   giveAway,
			"smalldisk":  smallDisk,
			"ondisk":     onDisk,
			"tty":        tty,
			"serve":      serve,
			"prototype":  prototype,
			"signal":     signal,
			"scrape":     scrape,
			"deafen":     deafen,
			"halt":       halt,
			"fake":       fake,
			"scan":       scan,
			"screenshot": screenshot,
			"setcode":    setCode,
		},
	})
}

// totpctl ARG… wants exit code 0.
func succeed(ts *testscript.TestScript, neg bool, args []string) {
	exits(ts, neg, append([]string{"0", "totpctl"}, args...))
}

// exits CODE COMMAND… wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	if got := exitCodeOf(ts, args[1:]); got != want {
		ts.Fatalf("exit code is %d, want %d", got, want)
	}
}

// mistake [-exit CODE] REGEXP COMMAND… wants that exit code or 2, nothing on standard
// output, and on standard error one line that matches and one hint.
func mistake(ts *testscript.TestScript, neg bool, args []string) {
	code := "2"
	if args[0] == "-exit" {
		code, args = args[1], args[2:]
	}
	exits(ts, neg, append([]string{code}, args[1:]...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output is %q, want nothing", out)
	}
	lines := regexp.MustCompile(`\A(totpctl: [^\n]+)\n(hint: [^\n]+)\n\z`).FindStringSubmatch(ts.ReadFile("stderr"))
	if lines == nil {
		ts.Fatalf("standard error is not one line and one hint")
	}
	if !regexp.MustCompile(args[0]).MatchString(lines[1]) {
		ts.Fatalf("%q does not match %q", lines[1], args[0])
	}
}

// exitCodeOf returns the exit code of a command that has kept its secrets.
func exitCodeOf(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	exit, exited := errors.AsType[*exec.ExitError](err)
	if err != nil && !exited {
		ts.Fatalf("%v", err)
	}
	if strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), unspeakable) {
		ts.Fatalf("a secret was printed")
	}
	if err == nil {
		return 0
	}
	return exit.ExitCode()
}

// mode OCTAL FILE… wants those permissions.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args[1:] {
		info, err := os.Lstat(ts.MkAbs(file))
		ts.Check(err)
		if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); (got == args[0]) == neg {
			ts.Fatalf("mode of %s is %s", file, got)
		}
	}
}

// lines N FILE wants that many lines.
func countLines(ts *testscript.TestScript, neg bool, args []string) {
	if got := strconv.Itoa(strings.Count(ts.ReadFile(args[1]), "\n")); (got == args[0]) == neg {
		ts.Fatalf("%s has %s lines", args[1], got)
	}
}

const nobody = 65534

// giveAway FILE makes a file another user's: by chown where the tests run as
// root, else by putting a link to one of root's files in its place.
func giveAway(ts *testscript.TestScript, neg bool, args []string) {
	file := ts.MkAbs(args[0])
	if os.Geteuid() == 0 {
		ts.Check(os.Chown(file, nobody, nobody))
		return
	}
	ts.Check(os.Remove(file))
	ts.Check(os.Symlink("/etc/passwd", file))
}

// smalldisk FOLDER SIZE mounts a disk of that size, which needs root.
func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	folder := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(folder, 0o755))
	ts.Check(ts.Exec("mount", "-t", "tmpfs", "-o", "size="+args[1], "none", folder))
	ts.Defer(func() { exec.Command("umount", "-l", folder).Run() })
}

// ondisk NAME sets a variable to a new folder below /var/tmp, which is on a disk where /tmp
// may be in memory.
func onDisk(ts *testscript.TestScript, neg bool, args []string) {
	folder, err := os.MkdirTemp("/var/tmp", "totpctl-test-*")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(folder) })
	ts.Setenv(args[0], folder)
}

// setCode NAME sets a variable to the last line of standard output.
func setCode(ts *testscript.TestScript, neg bool, args []string) {
	lines := strings.Fields(ts.ReadFile("stdout"))
	if len(lines) == 0 {
		ts.Fatalf("standard output is empty")
	}
	ts.Setenv(args[0], lines[len(lines)-1])
}
