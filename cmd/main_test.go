package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// built is the totpctl that TestMain builds, and the first of that name in PATH.
var built string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	syscall.Umask(0o022) // a .env that a test's group may write to would be refused
	dir, err := os.MkdirTemp("", "totpctl-bin-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "totpctl")
	build := exec.Command("go", "build", "-o", built, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the README builds it
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building totpctl: %v\n%s", err, out)
		return 1
	}
	os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return m.Run()
}

// binary is the path of a totpctl built from this tree.
func binary(t testing.TB) string {
	t.Helper()
	if built == "" {
		t.Fatal("TestMain has built no totpctl")
	}
	return built
}
