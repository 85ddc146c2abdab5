package servertest

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// ForExample is New for an Example function, which has no testing.TB. end ends the
// server.
func ForExample() (s *Server, end func()) {
	t := &example{}
	return New(t, Options{}), t.end
}

// An example is the part of a testing.TB that New needs.
type example struct {
	testing.TB
	cleanups []func()
}

func (t *example) Helper() {}

func (t *example) Context() context.Context { return context.Background() }

func (t *example) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *example) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (t *example) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *example) TempDir() string {
	dir, err := os.MkdirTemp("", "totpctl-example-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// end calls what was given to Cleanup, the last first.
func (t *example) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}
