//go:build linux

package pam_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"totpctl/cmd/cmdtest"
)

// outside names the mounts of the machine that the tests were started on.
const outside = "TOTPCTL_TEST_OUTSIDE"

// TestMain needs root. The tests run on a machine of their own, as far as files, processes and
// the network go, so that they may follow the manual's page to the letter.
func TestMain(m *testing.M) {
	if os.Getenv(outside) == "" {
		os.Exit(runInside())
	}
	if err := makeMachine(); err != nil {
		fmt.Fprintln(os.Stderr, "making a machine of the tests' own:", err)
		os.Exit(1)
	}
	os.Exit(cmdtest.Main(m))
}

// runInside runs this program again in namespaces that end with it. It first brings the
// modules that totpctl is built of, because there is no network inside.
func runInside() int {
	if out, err := exec.Command("go", "build", "-o", os.DevNull, "totpctl").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building totpctl: %v\n%s", err, out)
		return 1
	}
	mounts, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	arguments := append([]string{"--mount", "--propagation", "private", "--net", "--pid", "--mount-proc", "--fork", "--kill-child", os.Args[0]}, os.Args[1:]...)
	c := exec.Command("unshare", arguments...)
	c.Env = append(os.Environ(), outside+"="+mounts)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "unshare:", err)
		return 1
	}
	return 0
}

// makeMachine lays a layer over each folder that the page's steps write to, and takes the
// network's place. What the tests change is in memory, and gone with the process.
func makeMachine() error {
	if mounts, err := os.Readlink("/proc/self/ns/mnt"); err != nil || mounts == os.Getenv(outside) {
		return fmt.Errorf("the mounts are those of the machine itself (%w)", err)
	}
	const layers = "/run"
	if err := syscall.Mount("tmpfs", layers, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mounting %s: %w", layers, err)
	}
	for i, folder := range []string{"/etc", "/home", "/usr/lib", "/usr/local", "/var"} {
		upper, work := filepath.Join(layers, fmt.Sprint("upper", i)), filepath.Join(layers, fmt.Sprint("work", i))
		for _, made := range []string{upper, work} {
			if err := os.Mkdir(made, 0o755); err != nil {
				return err
			}
		}
		options := "lowerdir=" + folder + ",upperdir=" + upper + ",workdir=" + work
		if err := syscall.Mount("overlay", folder, "overlay", 0, options); err != nil {
			return fmt.Errorf("mounting a layer over %s: %w", folder, err)
		}
	}
	if err := os.Mkdir("/run/sshd", 0o755); err != nil {
		return err
	}
	if err := command("sed", "-i", "s/pam_unix.so nullok/& nodelay/", "/etc/pam.d/common-auth"); err != nil { // which waits 2 s after a wrong password
		return err
	}
	return command("ip", "link", "set", "lo", "up")
}

func command(name string, arguments ...string) error {
	if out, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(arguments, " "), err, out)
	}
	return nil
}

// bash runs a script, and returns what it prints. The script must succeed.
func bash(t testing.TB, dir, script string) string {
	t.Helper()
	c := exec.Command("bash", "-euo", "pipefail", "-c", script)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v: %s", script, err, out)
	}
	return string(out)
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
