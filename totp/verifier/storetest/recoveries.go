package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"totpctl/totp/verifier"
)

// recoveries are how an owner enrols anew by herself, with a recovery code.
var recoveries = []test{
	{"a recovery code begins a new enrolment in one browser", recovered},
	{"what cannot be recovered is refused in one way, and changes nothing", recoverRefused},
	{"one of 20 who offer a recovery code at once is let in", recoverOnce},
	{"verdicts tell for a week of a key that a recovery code brought in", rekeyedTold},
	{"a witness is told of recoveries", recoveriesWitnessed},
}

func recovered(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	ctx := t.Context()
	old, codes := enrol(t, v, c, "alice")
	earlier, err := v.Rekey(ctx, "alice", false) // by an administrator, and on its way
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	e, err := v.Recover(ctx, "alice", strings.ToLower(codes[0][:4]+" "+codes[0][4:]))
	if err != nil || e.Account != "alice" || e.Cookie == "" || !e.Until.Equal(c.now().Add(verifier.OpenTime)) {
		t.Fatalf("Recover: %+v, %v", e, err)
	}
	if _, err := v.Open(ctx, earlier.Token, ""); !errors.Is(err, verifier.ErrLink) {
		t.Errorf("the link of before: %v, want ErrLink", err)
	}
	if seen, err := v.Peek(ctx, e.Token, e.Cookie); err != nil || !seen.Opened || seen.Codes != nil {
		t.Errorf("Peek: %+v, %v, want a link that this browser has opened", seen, err)
	}
	for _, theirs := range []string{"", "theirs"} {
		if _, err := v.Open(ctx, e.Token, theirs); !errors.Is(err, verifier.ErrLink) {
			t.Errorf("another browser: %v, want ErrLink", err)
		}
	}
	if shown, err := v.Open(ctx, e.Token, e.Cookie); err != nil || !shown.Entry.Key.Equal(e.Entry.Key) {
		t.Errorf("Open: %v, %v", shown.Entry.Key, err)
	}
	// Until the new key's first code the old one works, and the other recovery codes do.
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[1]}, "")
	_, verdict, err := v.ConfirmByLink(ctx, e.Token, e.Cookie, code(t, e.Entry.Key, c))
	if err != nil || !verdict.Valid {
		t.Fatalf("ConfirmByLink: %+v, %v", verdict, err)
	}
	c.advance(time.Minute)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, old, c)}, verifier.ReasonInvalid)
	wantReason(t, v, verifier.Attempt{Account: "alice", Code: code(t, e.Entry.Key, c)}, "")
}

func recoverRefused(t *testing.T, open Open) {
	v, c, k := fixture(t, open)
	ctx := t.Context()
	_, codes := enrol(t, v, c, "alice")
	_, disabled := enrol(t, v, c, "disabled")
	if err := v.Disable(ctx, "disabled"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Add(ctx, "pending"); err != nil {
		t.Fatal(err)
	}
	wantReason(t, v, verifier.Attempt{Code: code(t, k, c)}, "")
	wantReason(t, v, verifier.Attempt{Account: "alice", RecoveryCode: codes[0]}, "")
	for _, a := range [][2]string{{"alice", strings.Repeat("A", 24)}, {"alice", codes[0]}, {"alice", "short"}, {"alice", ""}, {"disabled", disabled[0]},
		{"pending", codes[1]}, {"nobody", codes[1]}, {"", codes[1]}, {"..", codes[1]}, {strings.Repeat("x", 5000), codes[1]}, {"\x01nobody", codes[1]}} {
		if e, err := v.Recover(ctx, a[0], a[1]); err != verifier.ErrRecover || e.Token != "" {
			t.Errorf("%.20q with %.8q: %+v, %v, want ErrRecover", a[0], a[1], e, err)
		}
	}
	if info, err := v.Show(ctx, "alice"); err != nil || !info.PendingUntil.IsZero() || info.RecentRecovery.Failures != 2 || info.RecoveryLeft != 9 {
		t.Errorf("Show: %+v, %v, want no pending key, and both codes counted", info, err)
	}
	if err := v.Unlock(ctx, "disabled"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Recover(ctx, "disabled", disabled[0]); err != nil { // it was not used up
		t.Errorf("after an unlock: %v", err)
	}
}

// recoverOnce wants that a recovery code is good once, and that the bound on how many ask at
// once holds.
func recoverOnce(t *testing.T, open Open) {
	v, c, _ := fixture(t, open)
	_, codes := enrol(t, v, c, "alice")
	var mu sync.Mutex
	got := map[error]int{}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := v.Recover(t.Context(), "alice", codes[0])
			mu.Lock()
			defer mu.Unlock()
			got[err]++
		})
	}
	all.Wait()
	if got[nil] != 1 || got[verifier.ErrRecover]+got[verifier.ErrBusy] != 19 {
		t.Errorf("the answers are %v, want one that lets in", got)
	}
	if _, err := v.Recover(t.Context(), "alice", codes[1]); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func rekeyedTold(t *testing.T, open Open) {
	s, c := open(t), newClock()
	v := newVerifier(t, s, key(t), c)
	ctx := t.Context()
	old, codes := enrol(t, v, c, "alice")
	told := func(a verifier.Attempt) time.Time {
		t.Helper()
		a.Account = "alice"
		return check(t, newVerifier(t, s, key(t), c), a).RekeyedAt
	}
	e, err := v.Recover(ctx, "alice", codes[0])
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	if at := told(verifier.Attempt{Code: code(t, old, c)}); !at.IsZero() {
		t.Errorf("before the new key's first code: %v", at)
	}
	at := c.now()
	if _, verdict, err := v.ConfirmByLink(ctx, e.Token, e.Cookie, code(t, e.Entry.Key, c)); err != nil || !verdict.Valid {
		t.Fatalf("ConfirmByLink: %+v, %v", verdict, err)
	}
	fresh, err := v.Peek(ctx, e.Token, e.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	if got := told(verifier.Attempt{RecoveryCode: fresh.Codes[0]}); !got.Equal(at) {
		t.Errorf("with a recovery code: %v, want %v", got, at)
	}
	if got := told(verifier.Attempt{Code: wrong(e.Entry.Key, c, 1)[0]}); !got.IsZero() {
		t.Errorf("with a wrong code: %v, want nothing", got)
	}
	c.advance(verifier.RekeyedTime - time.Second)
	if got := told(verifier.Attempt{Code: code(t, e.Entry.Key, c)}); !got.Equal(at) {
		t.Errorf("almost a week later: %v, want %v", got, at)
	}
	if info, err := v.Show(ctx, "alice"); err != nil || !info.RekeyedAt.Equal(at) {
		t.Errorf("Show: %+v, %v", info, err)
	}
	c.advance(time.Minute)
	if got := told(verifier.Attempt{Code: code(t, e.Entry.Key, c)}); !got.IsZero() {
		t.Errorf("a week later: %v, want nothing", got)
	}
	byPerson, err := v.Rekey(ctx, "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(-verifier.RekeyedTime)
	confirm(t, v, c, "alice", byPerson.Entry.Key)
	c.advance(time.Minute)
	if got := told(verifier.Attempt{Code: code(t, byPerson.Entry.Key, c)}); !got.IsZero() {
		t.Errorf("after an administrator's rekey: %v, want nothing", got)
	}
}

func recoveriesWitnessed(t *testing.T, open Open) {
	v, w, c, _ := witnessed(t, open)
	_, codes := enrol(t, v, c, "alice")
	w.take()
	for _, a := range [][2]string{{"nobody", codes[0]}, {"alice", strings.Repeat("A", 24)}, {"alice", codes[0]}} {
		v.Recover(t.Context(), a[0], a[1])
	}
	w.want(t, `recover "" by  refused no_account, free true`,
		`recover "alice" by  valid falseinvalid, failures 0, recent 1, free true, stopped false, repeated false, recovery true`,
		`recover "alice" by  valid true, failures 0, recent 1, free false, stopped false, repeated false, recovery true`)
	w.fails = errors.New("full")
	if e, err := v.Recover(t.Context(), "alice", codes[1]); !errors.Is(err, verifier.ErrWitness) || e.Token != "" {
		t.Errorf("without a record: %+v, %v, want ErrWitness", e, err)
	}
}
