//go:build linux

// Package cmdtest builds totpctl from this tree for tests, and runs it as a server.
package cmdtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// built is the totpctl that Main builds, and the first of that name in PATH.
var built string

// Main builds totpctl, runs the tests and returns their exit code. TestMain must call
// it in a package that uses Binary, Serve, or totpctl from PATH.
func Main(m *testing.M) int {
	syscall.Umask(0o022) // a .env that a test's group may write to would be refused
	dir, err := os.MkdirTemp("", "totpctl-bin-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = filepath.Join(dir, "totpctl")
	build := exec.Command("go", "build", "-o", built, "totpctl")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as the README builds it
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building totpctl: %v\n%s", err, out)
		return 1
	}
	os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return m.Run()
}

// Binary returns the path of the totpctl that Main has built.
func Binary(t testing.TB) string {
	t.Helper()
	if built == "" {
		t.Fatal("cmdtest.Main has built no totpctl")
	}
	return built
}
