package cmd

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestTheLogIsWrittenWholeAndInOrder(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := newLogWriter(file)
	var want bytes.Buffer
	for i := range 1000 {
		line := strings.Repeat("x", i%80) + "\n"
		want.WriteString(line)
		w.Write([]byte(line))
	}
	w.Close()
	if got, err := os.ReadFile(file.Name()); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("log has %d bytes, %v, want %d", len(got), err, want.Len())
	}
}

// A pipe that nobody reads holds 64 KiB, and then its writer.
func TestNobodyWaitsForALogThatNobodyReads(t *testing.T) {
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer pipe.Close()
	w := newLogWriter(pipe)
	line := bytes.Repeat([]byte("x"), 1023)
	for range 64 * maxUnwritten / len(line) {
		w.Write(append(line, '\n'))
	}
	w.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lines) > maxUnwritten || w.lost == 0 {
		t.Errorf("%d bytes wait and %d lines are lost", len(w.lines), w.lost)
	}
}
