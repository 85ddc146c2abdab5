//go:build linux

package proof

import (
	"encoding/base32"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp/sqlstore/pgtest"
)

// movedAccounts are there beside those that codes are offered for.
const movedAccounts = 100_000

// moveBound is generous. A machine of 2 cores moves 100,000 accounts in some 10 s.
const moveBound = 3 * time.Minute

// A server on SQLite is under load while everything is moved to PostgreSQL and the move is
// killed again and again. Then clients ask both servers. At last everything is moved back.
func TestNoCodeIsAcceptedTwiceWhileEverythingIsMoved(t *testing.T) {
	folder, database := t.TempDir(), pgtest.Start(t)
	from, to := "sqlite:"+filepath.Join(folder, "totpctl.db"), database.URL(database.NewDatabase())
	p := cmdtest.NewProgram(t, from)
	next := *p
	next.Env = append(append([]string{}, p.Env...), "DATABASE_URL="+to)
	offers := offersOf(t, enrol(t, from, 500))
	addMany(t, p, folder)
	old := p.Serve()
	c := crowd{newHistory(t), []*cmdtest.Server{old}, offers, new(atomic.Int64), 16}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { c.run(stop); close(stopped) }()
	c.mustProgress(t, old)
	begin := time.Now()
	kills := moveKilled(t, p, to)
	if took := time.Since(begin); took > moveBound {
		t.Errorf("the move took %v", took)
	}
	t.Logf("moved in %v, killed %d times", time.Since(begin).Round(time.Millisecond), kills)
	server := next.Serve()
	close(stop)
	<-stopped
	both := crowd{c.history, []*cmdtest.Server{old, server}, offers, new(atomic.Int64), 16}
	stop, stopped = make(chan struct{}), make(chan struct{})
	go func() { both.run(stop); close(stopped) }()
	both.mustProgress(t, server)
	close(stop)
	<-stopped
	for _, o := range offers[:20] {
		if answer := check(patient, old.URL, o.account, o.code, ""); answer.status != 503 {
			t.Errorf("the old server answers %+v, want 503", answer)
		}
	}
	both.offerAcceptedAgain(server)
	server.Kill()
	back := "sqlite:" + filepath.Join(folder, "back.db")
	begin = time.Now()
	tool(t, &next, "move", "--env", targetFile(t, back))
	t.Logf("moved back in %v", time.Since(begin).Round(time.Millisecond))
	next.Env = append(next.Env, "DATABASE_URL="+back)
	both.offerAcceptedAgain(next.Serve())
	c.history.check()
	if n := database.Query(to[strings.LastIndex(to, "/")+1:], "SELECT count(*) FROM moved_account"); n != fmt.Sprint(movedAccounts+500) && n != fmt.Sprint(movedAccounts+501) {
		t.Errorf("%s accounts are there", n)
	}
}

// targetFile returns a file that says where a move goes.
func targetFile(t *testing.T, url string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("TARGET_DATABASE_URL="+url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func addMany(t *testing.T, p *cmdtest.Program, folder string) {
	t.Helper()
	var list strings.Builder
	for i := range movedAccounts {
		fmt.Fprintf(&list, "otpauth://totp/user%06d?secret=%s\n", i, base32.StdEncoding.EncodeToString(fmt.Appendf(nil, "%020d", i)))
	}
	file := filepath.Join(folder, "many.txt")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, p, "account", "import", file)
}

// moveKilled moves everything, and kills the move some times.
func moveKilled(t *testing.T, p *cmdtest.Program, to string) (kills int) {
	t.Helper()
	for wait := 50 * time.Millisecond; ; wait = wait * 3 / 2 {
		m := toolCommand(t, p, "move")
		m.Env = append(append([]string{}, p.Env...), "TARGET_DATABASE_URL="+to)
		var out strings.Builder
		m.Stdout, m.Stderr = &out, &out
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(wait/2+rand.N(wait), func() { m.Process.Kill() })
		err := m.Wait()
		switch kill.Stop(); {
		case err == nil:
			return kills
		case out.Len() > 0:
			t.Fatalf("moving: %s", out.String())
		}
		kills++
	}
}
