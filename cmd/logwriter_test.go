package cmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"totpctl/cmd/config"
)

func TestTheLogIsWrittenWholeAndInOrder(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := newLogWriter(file, nil)
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
	w := newLogWriter(pipe, func(int) []byte { return nil })
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

// The reader comes late: what was lost is told of in the log's own format.
func TestALogOfJSONTellsInJSONWhatItHasLost(t *testing.T) {
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	log := program{errOut: pipe}.startLog(logConfig{format: config.FormatJSON})
	const n = 4000
	for range n {
		log.Info(strings.Repeat("x", 1000))
	}
	go func() {
		log.Close()
		pipe.Close()
	}()
	seen, lost := 0, 0
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var line struct {
			Msg   string
			Lines int
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v in %q", err, lines.Text())
		}
		if line.Msg == "log lines are lost: standard error is not read fast enough" {
			lost += line.Lines
		} else {
			seen++
		}
	}
	if lost == 0 || seen+lost != n {
		t.Errorf("%d lines and %d lost ones, of %d", seen, lost, n)
	}
}
