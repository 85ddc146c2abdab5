//go:build linux

package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/sqlstore/pgtest"
	"totpctl/totp/verifier"
)

// onBothWays runs a test for each pair of engines, with two empty databases.
func onBothWays(t *testing.T, test func(t *testing.T, from, to database)) {
	server := pgtest.Start(t)
	for name, ends := range map[string]func(*testing.T) (from, to database){
		"SQLite to PostgreSQL":     func(t *testing.T) (from, to database) { return sqliteDatabase(t), postgresDatabase(server) },
		"PostgreSQL to SQLite":     func(t *testing.T) (from, to database) { return postgresDatabase(server), sqliteDatabase(t) },
		"SQLite to SQLite":         func(t *testing.T) (from, to database) { return sqliteDatabase(t), sqliteDatabase(t) },
		"PostgreSQL to PostgreSQL": func(t *testing.T) (from, to database) { return postgresDatabase(server), postgresDatabase(server) },
	} {
		t.Run(name, func(t *testing.T) {
			from, to := ends(t)
			test(t, from, to)
		})
	}
}

func moveOf(from, to database, keys ...[]byte) sqlstore.Move {
	return sqlstore.Move{Source: sqlstore.Config{URL: from.url, EncryptionKeys: keys}, Target: to.url}
}

// holdings is what the owners of a database's accounts hold.
type holdings struct {
	c                    *clock
	key                  totp.Key // of the default account
	alice, pending, kept verifier.Enrolment
	aliceRecovery        []string
	answered             verifier.Attempt
}

func (h holdings) verifier(t *testing.T, s verifier.Store) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{Store: s, Clock: newClockOf(h.c), Key: h.key, Skew: 1, New: totp.DefaultScheme(), Issuer: "issuer"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fill has one account in each state that a database keeps.
func fill(t *testing.T, s sqlstore.Store) holdings {
	t.Helper()
	key, err := totp.GenerateKey(totp.DefaultScheme())
	if err != nil {
		t.Fatal(err)
	}
	h := holdings{c: newClock(), key: key}
	v := h.verifier(t, s)
	h.alice, h.aliceRecovery = enrol(t, v, h.c, "alice")
	enrol(t, v, h.c, "damaged")
	bob, _ := enrol(t, v, h.c, "bob")
	for range 3 {
		v.Check(t.Context(), verifier.Attempt{Account: "bob", Code: wrongCodeOf(t, bob, h.c)})
	}
	if verdict, err := v.Check(t.Context(), verifier.Attempt{Account: "alice", RecoveryCode: h.aliceRecovery[0]}); err != nil || !verdict.Valid {
		t.Fatalf("%+v, %v", verdict, err)
	}
	h.answered = verifier.Attempt{Code: codeOf(t, key, h.c), Request: verifier.NewRequestID("bearer", "1")}
	if verdict, err := v.Check(t.Context(), h.answered); err != nil || !verdict.Valid {
		t.Fatalf("%+v, %v", verdict, err)
	}
	if h.pending, err = v.Add(t.Context(), "pending"); err != nil {
		t.Fatal(err)
	}
	if h.kept, err = v.Add(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	opened, err := v.Open(t.Context(), h.kept.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	h.kept.Cookie = opened.Cookie
	if _, verdict, err := v.ConfirmByLink(t.Context(), h.kept.Token, h.kept.Cookie, codeOf(t, h.kept.Entry.Key, h.c)); err != nil || !verdict.Valid {
		t.Fatalf("%+v, %v", verdict, err)
	}
	return h
}

// wantAll wants that a database has what fill has put into another.
func (h holdings) wantAll(t *testing.T, s sqlstore.Store) {
	t.Helper()
	v := h.verifier(t, s)
	check := func(what string, a verifier.Attempt, want verifier.Verdict) {
		t.Helper()
		got, err := v.Check(t.Context(), a)
		if got.RetryAfter = 0; err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, want)
		}
	}
	check("a repeated request", h.answered, verifier.Verdict{Valid: true, Repeated: true})
	check("the default account's used code", verifier.Attempt{Code: h.answered.Code}, verifier.Verdict{Reason: verifier.ReasonReplayed})
	check("alice's used code", verifier.Attempt{Account: "alice", Code: codeOf(t, h.alice.Entry.Key, h.c)}, verifier.Verdict{Reason: verifier.ReasonReplayed})
	check("alice's used recovery code", verifier.Attempt{Account: "alice", RecoveryCode: h.aliceRecovery[0]}, verifier.Verdict{Reason: verifier.ReasonInvalid})
	check("alice's recovery code", verifier.Attempt{Account: "alice", RecoveryCode: h.aliceRecovery[1]}, verifier.Verdict{Valid: true, Recovery: true, RecoveryLeft: 8})
	check("bob, who waits", verifier.Attempt{Account: "bob", Code: "000000"}, verifier.Verdict{Reason: verifier.ReasonThrottled})
	if _, err := v.Check(t.Context(), verifier.Attempt{Account: "damaged", Code: "000000"}); !errors.Is(err, sqlstore.ErrDamaged) {
		t.Errorf("the damaged account: %v, want ErrDamaged", err)
	}
	if e, err := v.Open(t.Context(), h.pending.Token, ""); err != nil || !e.Entry.Key.Equal(h.pending.Entry.Key) {
		t.Errorf("the pending link: %+v, %v", e.Entry, err)
	}
	if seen, err := v.Peek(t.Context(), h.kept.Token, h.kept.Cookie); err != nil || len(seen.Codes) != 10 {
		t.Errorf("the kept confirmation: %+v, %v", seen, err)
	}
	h.c.next()
	mustAccept(t, v, h.c, h.alice.Entry)
}

func TestAMoveTakesEverythingAlong(t *testing.T) {
	onBothWays(t, func(t *testing.T, from, to database) {
		source := from.mustOpen(t, oldKey, newKey)
		h := fill(t, source)
		from.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'damaged'`)
		if err := moveOf(from, to, oldKey, newKey).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantMoved(t, from, source, h)
		h.wantAll(t, to.mustOpen(t, oldKey, newKey))
		if err := moveOf(from, to, oldKey, newKey).Run(t.Context()); err != nil {
			t.Errorf("moving once more: %v", err)
		}
		if err := sqlstore.UndoMove(t.Context(), from.url); !errors.Is(err, sqlstore.ErrMoved) {
			t.Errorf("undoing a move that is done: %v, want ErrMoved", err)
		}
		if err := moveOf(from, to.another(t), oldKey, newKey).Run(t.Context()); !errors.Is(err, sqlstore.ErrElsewhere) {
			t.Errorf("moving to another target: %v, want ErrElsewhere", err)
		}
	})
}

// wantMoved wants that a database gives no verdict, whoever has it open, and that nothing
// told of it has the password.
func wantMoved(t *testing.T, d database, opened sqlstore.Store, h holdings) {
	t.Helper()
	v := h.verifier(t, opened)
	_, errCheck := v.Check(t.Context(), verifier.Attempt{Account: "alice", Code: "000000"})
	_, errList := opened.List(t.Context(), verifier.Range{}, 10)
	_, errFind := opened.FindToken(t.Context(), "x")
	_, errOpen := d.open(t, oldKey, newKey)
	for what, err := range map[string]error{
		"a verdict": errCheck, "a change": v.Disable(t.Context(), "alice"), "a fence": func() error { _, err := v.Fence(t.Context(), false); return err }(),
		"a list": errList, "a link": errFind, "an import": v.AddActive(t.Context(), verifier.NewAccount{Name: "x", Entry: totp.Entry{Account: "x", Key: h.key}}),
		"opening": errOpen,
	} {
		if !errors.Is(err, sqlstore.ErrMoved) || !strings.Contains(err.Error(), "has been moved to ") {
			t.Errorf("%s of a source that was moved: %v, want ErrMoved and where to", what, err)
		}
	}
}

// The move is cut off after each page, and goes on in another process.
func TestAMoveThatWasCutOffGoesOn(t *testing.T) {
	onBothWays(t, func(t *testing.T, from, to database) {
		s := from.mustOpen(t, oldKey)
		h := fill(t, s)
		from.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'damaged'`)
		var many []verifier.NewAccount
		for i := range 2500 {
			many = append(many, verifier.NewAccount{Name: fmt.Sprintf("user%04d", i), Entry: totp.Entry{Account: "x", Key: h.key}})
		}
		if _, err := h.verifier(t, s).Import(t.Context(), many, verifier.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		cuts := 0
		for {
			ctx, cut := context.WithCancel(t.Context())
			m := moveOf(from, to, oldKey)
			m.Tell = func(int, int) { cut() }
			err := m.Run(ctx)
			cut()
			if err == nil {
				break
			}
			if cuts++; cuts > 20 {
				t.Fatal(err)
			}
			if _, err := to.open(t, oldKey); !errors.Is(err, sqlstore.ErrArriving) {
				t.Errorf("opening the target meanwhile: %v, want ErrArriving", err)
			}
			if _, err := from.open(t, oldKey); !errors.Is(err, sqlstore.ErrMoved) {
				t.Errorf("opening the source meanwhile: %v, want ErrMoved", err)
			}
			if cuts > 1 {
				continue
			}
			if err := moveOf(from, to.another(t), oldKey).Run(t.Context()); !errors.Is(err, sqlstore.ErrElsewhere) {
				t.Errorf("moving to another target: %v, want ErrElsewhere", err)
			}
		}
		if cuts < 5 {
			t.Errorf("the move was cut off %d times, want more", cuts)
		}
		moved := to.mustOpen(t, oldKey)
		if all, err := moved.List(t.Context(), verifier.Range{From: "user"}, 3000); err != nil || len(all) != 2500 {
			t.Errorf("%d accounts are there, %v", len(all), err)
		}
		h.wantAll(t, moved)
	})
}

// A killed move has sent a commit, and PostgreSQL is not done with it when the move goes on.
func TestAMoveGoesOnWhileACommitOfTheKilledOneIsUnderWay(t *testing.T) {
	server := pgtest.Start(t)
	from, to := sqliteDatabase(t), postgresDatabase(server)
	h := fill(t, from.mustOpen(t, oldKey))
	from.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'damaged'`)
	ctx, cut := context.WithCancel(t.Context())
	m := moveOf(from, to, oldKey)
	m.Tell = func(int, int) { cut() }
	if err := m.Run(ctx); err == nil {
		t.Fatal("the move was not cut off")
	}
	name := to.url[strings.LastIndex(to.url, "/")+1:]
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Exec(name, `SELECT pg_advisory_xact_lock(1953461360); DELETE FROM sealing_key;
			UPDATE arrival SET step = 0, after = ''; SELECT pg_sleep(2)`)
	}()
	for server.Query(name, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'`) == "0" {
		time.Sleep(10 * time.Millisecond)
	}
	if err := moveOf(from, to, oldKey).Run(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	h.wantAll(t, to.mustOpen(t, oldKey))
}

func TestAMoveThatIsUndoneLeavesTheSource(t *testing.T) {
	onBothWays(t, func(t *testing.T, from, to database) {
		s := from.mustOpen(t, oldKey)
		h := fill(t, s)
		from.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'damaged'`)
		if err := sqlstore.UndoMove(t.Context(), from.url); !errors.Is(err, sqlstore.ErrNotMoved) {
			t.Errorf("undoing nothing: %v, want ErrNotMoved", err)
		}
		ctx, cut := context.WithCancel(t.Context())
		m := moveOf(from, to, oldKey)
		m.Tell = func(int, int) { cut() }
		if err := m.Run(ctx); err == nil {
			t.Fatal("the move was not cut off")
		}
		if err := sqlstore.UndoMove(t.Context(), from.url); err != nil {
			t.Fatal(err)
		}
		h.wantAll(t, s) // the server goes on
		h.c.now = h.c.now.Add(-totp.DefaultPeriod)
		from.mustOpen(t, oldKey).Close()
		if err := moveOf(from, to, oldKey).Run(t.Context()); !errors.Is(err, sqlstore.ErrNotEmpty) {
			t.Errorf("moving again into what is half full: %v, want ErrNotEmpty", err)
		}
		if _, err := to.open(t, oldKey); !errors.Is(err, sqlstore.ErrArriving) {
			t.Errorf("opening the half: %v, want ErrArriving", err)
		}
		from.mustOpen(t, oldKey).Close()
		if err := moveOf(from, to.another(t), oldKey).Run(t.Context()); err != nil {
			t.Errorf("moving again to an empty target: %v", err)
		}
	})
}

// Somebody starts the new server too early, and has the move taken back after that. Without
// encryption keys an open database is empty.
func TestAServerThatHasTheTargetOpenGivesNoVerdictBeforeTheEnd(t *testing.T) {
	onBothWays(t, func(t *testing.T, from, to database) {
		key, err := totp.GenerateKey(totp.DefaultScheme())
		if err != nil {
			t.Fatal(err)
		}
		h := holdings{c: newClock(), key: key}
		source, target := h.verifier(t, from.mustOpen(t)), h.verifier(t, to.mustOpen(t))
		used := verifier.Attempt{Code: codeOf(t, key, h.c)}
		if verdict, err := source.Check(t.Context(), used); err != nil || !verdict.Valid {
			t.Fatalf("%+v, %v", verdict, err)
		}
		ctx, cut := context.WithCancel(t.Context())
		m := moveOf(from, to)
		m.Tell = func(int, int) { cut() }
		if err := m.Run(ctx); err == nil {
			t.Fatal("the move was not cut off")
		}
		if verdict, err := target.Check(t.Context(), used); err == nil {
			t.Errorf("the target gives a verdict meanwhile: %+v", verdict)
		}
		if err := moveOf(from, to).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if verdict, err := target.Check(t.Context(), used); err != nil || verdict.Reason != verifier.ReasonReplayed {
			t.Errorf("after the move: %+v, %v, want replayed", verdict, err)
		}
	})
}

func TestAMoveThatCannotBeginLeavesTheSource(t *testing.T) {
	onBothEngines(t, func(t *testing.T, from database) {
		s := from.mustOpen(t, oldKey)
		h := fill(t, s)
		full := from.another(t)
		enrol(t, newVerifier(t, full.mustOpen(t, newKey), newClock()), newClock(), "somebody")
		keyed := from.another(t)
		keyed.mustOpen(t, newKey)
		for name, v := range map[string]struct {
			m    sqlstore.Move
			want error
		}{
			"a wrong key":         {moveOf(from, from.another(t), newKey), sqlstore.ErrKey},
			"no key":              {moveOf(from, from.another(t)), sqlstore.ErrKey},
			"a target with rows":  {moveOf(from, full, oldKey), sqlstore.ErrNotEmpty},
			"a target with a key": {moveOf(from, keyed, oldKey), sqlstore.ErrNotEmpty},
			"the same database":   {moveOf(from, from, oldKey), sqlstore.ErrNotEmpty},
			"no source":           {moveOf(from.another(t), from.another(t), oldKey), sqlstore.ErrMissing},
		} {
			if err := v.m.Run(t.Context()); !errors.Is(err, v.want) {
				t.Errorf("%s: %v, want %v", name, err, v.want)
			}
		}
		from.exec(`UPDATE enrolment SET sealed_key = 'x' WHERE account = 'damaged'`)
		h.wantAll(t, s)
		from.mustOpen(t, oldKey)
	})
}

// Sessions are left, see TestAFenceAndAMoveEndSessions.
func TestAMoveCopiesEveryTable(t *testing.T) {
	d := sqliteDatabase(t)
	d.mustOpen(t, oldKey).Close()
	for line := range strings.Lines(d.dump()) {
		_, definition, _ := strings.Cut(line, ": CREATE TABLE ")
		name, _, isTable := strings.Cut(strings.ReplaceAll(definition, `"`, ""), " ")
		if isTable && name != "schema_version" && name != "admin_session" && !slices.Contains(sqlstore.MovedTables(), name) {
			t.Errorf("table %s is not moved", name)
		}
	}
}
