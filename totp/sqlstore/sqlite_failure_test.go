//go:build linux

package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// A sqliteFixture is a confirmed account in a database of its own.
func sqliteFixture(t *testing.T, path string) (*verifier.Verifier, *clock, totp.Entry) {
	t.Helper()
	c := newClock()
	v := newVerifier(t, openSQLite(t, path), c)
	e, _ := enrol(t, v, c, "alice")
	c.next()
	return v, c, e.Entry
}

// mustFail offers a good and a wrong code; neither may get a verdict.
func mustFail(t *testing.T, v *verifier.Verifier, c *clock, e totp.Entry) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, code := range []string{codeOf(t, e.Key, c), "000000"} {
		if verdict, err := v.Check(ctx, verifier.Attempt{Account: e.Account, Code: code}); err == nil || verdict != (verifier.Verdict{}) {
			t.Errorf("code %s: %+v, %v, want an error", code, verdict, err)
		}
	}
}

func TestADeletedOrReplacedFileGivesNoVerdict(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"deleted":         os.Remove,
		"moved":           func(path string) error { return os.Rename(path, path+".old") },
		"replaced":        func(path string) error { return replace(path, path) },
		"folder replaced": func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+"2") },
		"index deleted":   func(path string) error { return os.Remove(path + "-shm") },
		"log deleted":     func(path string) error { return os.Remove(path + "-wal") },
		"log replaced":    func(path string) error { return replace(path+"-wal", path+"-wal") },
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, "totpctl.db")
			v, c, k := sqliteFixture(t, path)
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			mustFail(t, v, c, k)
			if err := v.Ready(t.Context()); err == nil {
				t.Error("Ready returned nil")
			}
		})
	}
}

// replace puts a copy of a file in the place of another.
func replace(path, original string) error {
	text, err := os.ReadFile(original)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func TestAFullDiskGivesNoVerdictUntilThereIsRoomAgain(t *testing.T) {
	folder := mountSmallDisk(t)
	v, c, k := sqliteFixture(t, filepath.Join(folder, "totpctl.db"))
	ballast := filepath.Join(folder, "ballast")
	fillDisk(t, ballast)
	for range 3 {
		mustFail(t, v, c, k)
	}
	if _, err := v.Add(t.Context(), "bob"); err == nil {
		t.Error("an account was added to a full disk")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	mustAccept(t, v, c, k)
	verdict, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", Code: codeOf(t, k.Key, c)})
	if err != nil || verdict.Reason != verifier.ReasonReplayed {
		t.Errorf("once more: %+v, %v, want replayed", verdict, err)
	}
}

// mountSmallDisk needs the right to mount: a test of a full disk needs one.
func mountSmallDisk(t *testing.T) (folder string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "smalldisk")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=2m,mode=0777"); err != nil {
		os.Remove(folder)
		t.Fatalf("mounting a small disk: %v: run this test as root, in a container with --cap-add SYS_ADMIN", err)
	}
	t.Cleanup(func() {
		syscall.Unmount(folder, syscall.MNT_DETACH)
		os.Remove(folder)
	})
	return folder
}

// fillDisk writes until nothing more fits.
func fillDisk(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 100_000 {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
	t.Fatal("the disk is not full")
}

func TestALinkToTheFileIsFollowedWhileItLeadsThere(t *testing.T) {
	folder, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "real.db")
	link := filepath.Join(folder, "totpctl.db")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	v, c, k := sqliteFixture(t, link)
	mustAccept(t, v, c, k)
	c.next()
	if err := replace(link, elsewhere); err != nil {
		t.Fatal(err)
	}
	mustFail(t, v, c, k)
}

func TestTheFilesAreTheirOwnersAlone(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "a b%20?c#d.db")
	sqliteFixture(t, path)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", path+suffix, info.Mode())
		}
	}
}

func TestAnUnwritableFileIsNotOpened(t *testing.T) {
	for name, path := range map[string]string{
		"a folder":           t.TempDir(),
		"in no folder":       filepath.Join(t.TempDir(), "none", "totpctl.db"),
		"not SQLite's":       writeFile(t, "This is not a database. It is long enough to be looked at as one, though."),
		"in a read-only one": "/proc/totpctl.db",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := (database{url: "sqlite:" + path}).open(t, oldKey); err == nil {
				t.Error("no error")
			}
		})
	}
}

func writeFile(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(fmt.Sprintf("%-4096s", text)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
