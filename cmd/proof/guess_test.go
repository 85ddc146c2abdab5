//go:build linux

package proof

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/totptest"
)

func TestAThousandParallelGuessesGetTheBudgetOnSQLite(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "totpctl.db")
	keys := enrol(t, url, 5)
	testGuessBudget(t, keys, cmdtest.NewProgram(t, url).Serve())
}

func TestAThousandParallelGuessesGetTheBudgetOnThreeServers(t *testing.T) {
	database := pgtest.Start(t)
	url := database.URL(database.NewDatabase())
	keys := enrol(t, url, 5)
	p := cmdtest.NewProgram(t, url)
	testGuessBudget(t, keys, p.Serve(), p.Serve(), p.Serve())
}

// testGuessBudget spends well under the first wait of 30 seconds on an account.
func testGuessBudget(t *testing.T, keys []totp.Entry, servers ...*cmdtest.Server) {
	for i, k := range keys {
		begin := time.Now()
		right, invalid, unanswered := guess(k, []int{0, 1, 2, 500, 999}[i], servers)
		// A success clears the two failures that may have come before it.
		want := 3
		if right.Status {
			want += right.Failures
		} else if right.Reason != "throttled" {
			t.Errorf("the right code of %s: %+v", k.Account, right)
		}
		if invalid != want || unanswered != 0 {
			t.Errorf("%s: %d guesses were evaluated and %d not answered, want %d and 0", k.Account, invalid, unanswered, want)
		}
		t.Logf("%s: right code %+v, %d wrong ones evaluated, %v", k.Account, right, invalid, time.Since(begin).Round(time.Millisecond))
	}
}

// guess offers a right code among 999 wrong ones, all at once, but begins them in
// order: the position of the right one decides on how it may fare.
func guess(k totp.Entry, position int, servers []*cmdtest.Server) (right answer, invalid, unanswered int) {
	code, _ := k.Key.Code(time.Now())
	codes := slices.Insert(totptest.WrongCodes(k.Key, time.Now(), 999), position, code)
	answers := make([]answer, len(codes))
	var all sync.WaitGroup
	for i := range codes {
		all.Go(func() {
			answers[i] = check(patient, servers[i%len(servers)].URL, k.Account, codes[i], "")
		})
	}
	all.Wait()
	for _, a := range slices.Delete(slices.Clone(answers), position, position+1) {
		switch {
		case a.Reason == "invalid":
			invalid++
		case a.status != 429:
			unanswered++
		}
	}
	return answers[position], invalid, unanswered
}
