//go:build unix

package cmd

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestAServerThatEndsLeavesTheSocketOfItsSuccessor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("closing the first: %v", err)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("asking the second: %v", err)
	} else {
		conn.Close()
	}
	if err := second.Close(); err != nil {
		t.Errorf("closing the second: %v", err)
	}
	third, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	second.Close() // http.Server and serve both close
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("closed again, the second has taken the third's: %v", err)
	}
}

func TestOfServersThatStartTogetherOneGetsTheSocket(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "s")
		dead, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		dead.(*net.UnixListener).SetUnlinkOnClose(false)
		dead.Close()
		var got atomic.Int32
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if l, err := listenUnix(t.Context(), path); err == nil {
					t.Cleanup(func() { l.Close() })
					got.Add(1)
				}
			})
		}
		all.Wait()
		if got.Load() != 1 {
			t.Fatalf("%d have it", got.Load())
		}
	}
}

func TestAFolderThatSomebodyKeepsLockedHoldsUpNoServer(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	made := make(chan error, 1)
	go func() {
		l, err := listenUnix(t.Context(), filepath.Join(dir, "s"))
		if err == nil {
			err = l.Close()
		}
		made <- err
	}()
	select {
	case err := <-made:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it waits on")
	}
}
