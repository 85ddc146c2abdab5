//go:build linux

package cmd_test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"totpctl/cmd/cmdtest"
)

// gen and check load what serve needs. Later versions of VictoriaMetrics/metrics than the one
// in go.mod read /proc and /sys at every start of the process.
func TestThePackagesOfServeCostTheOtherCommandsNothing(t *testing.T) {
	c := exec.Command(cmdtest.Binary(t), "version")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for name, most := range map[string]int{"github.com/VictoriaMetrics/metrics": 80, "github.com/realclientip/realclientip-go": 160} {
		m := regexp.MustCompile(`(?m)^init ` + regexp.QuoteMeta(name) + ` .* (\d+) allocs$`).FindSubmatch(out)
		if m == nil {
			t.Fatalf("no trace of %s:\n%s", name, out)
		}
		if allocs, _ := strconv.Atoi(string(m[1])); allocs > most {
			t.Errorf("the start of every command allocates %d times in %s, want at most %d", allocs, name, most)
		}
	}
	if regexp.MustCompile(`(?m)^init totpctl/(cmd/manual|server/(metrics|proxy)) `).Match(out) {
		t.Errorf("packages of ours work at the start:\n%s", out)
	}
}
