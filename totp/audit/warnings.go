package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"totpctl/totp/verifier"
)

// What Warnings takes for worth a person's look.
const (
	manyFailures  = 10 // wrong codes in a row before a good one
	manyRecovery  = 10 // wrong recovery codes of an account within verifier.RecentTime
	manyRecent    = 50 // wrong codes of an account within verifier.RecentTime
	driftAccounts = 5  // whose phones tell another time than the server
	driftTime     = time.Hour
	maxDrift      = 100 // accounts that are remembered for driftTime
)

// Warnings tells a log what asks for a person: a good code after many wrong ones, a key that
// guesses have stopped, an account that is guessed for weeks, and a clock that is wrong. It is
// a verifier.Witness that never fails. A stranger cannot fill the log with these, because each
// takes a good code, or wrong codes that were charged.
type Warnings struct {
	log *slog.Logger

	mu       sync.Mutex
	accepted map[string]acceptance // by account
	quiet    time.Time             // no second warning of the clock before
}

// An acceptance is the last good code of an account.
type acceptance struct {
	at   time.Time
	skew int
}

// NewWarnings returns Warnings that go to the log.
func NewWarnings(log *slog.Logger) *Warnings {
	return &Warnings{log: log, accepted: map[string]acceptance{}}
}

// Ready implements verifier.Witness.
func (w *Warnings) Ready() error { return nil }

// Tell implements verifier.Witness.
func (w *Warnings) Tell(_ context.Context, events ...verifier.Event) error {
	for _, e := range events {
		switch {
		case !e.IsVerdict() || e.Verdict.Repeated:
		case e.Recovery && e.Verdict.Reason == verifier.ReasonInvalid:
			w.judgeRecovery(e)
		case !e.Free:
			w.judge(e)
		}
	}
	return nil
}

func (w *Warnings) judge(e verifier.Event) {
	good := e.Verdict.Valid
	switch {
	case good && e.Failures >= manyFailures:
		w.warn(e, "a code was accepted after many wrong ones in a row: ask the account's owner", slog.Int("failures", e.Failures))
	case e.Stopped:
		w.warn(e, "the account is stopped: it had 100 wrong codes in a row", slog.Int("failures", e.Failures))
	}
	if !good && e.Recent > 0 && e.Recent%manyRecent == 0 && e.Kind == verifier.KindCheck {
		w.warn(e, "somebody may be guessing codes of the account: good codes do not clear this count of 30 days", slog.Int("failures_30_days", e.Recent))
	}
	if good && !e.Recovery {
		w.watchClock(e)
	}
}

// judgeRecovery warns of wrong recovery codes, which cost their caller nothing. The verifier
// counts 999 of them at most, so that there are 99 such warnings at most.
func (w *Warnings) judgeRecovery(e verifier.Event) {
	if e.Recent > 0 && e.Recent%manyRecovery == 0 {
		w.warn(e, "many recovery codes of the account were wrong: ask its owner whether it was her, and make her new ones", slog.Int("recovery_failures_30_days", e.Recent))
	}
}

func (w *Warnings) warn(e verifier.Event, text string, count slog.Attr) {
	account := slog.String("account", e.Account)
	if e.Account == "" {
		account = slog.Bool("default", true)
	}
	w.log.LogAttrs(context.Background(), slog.LevelWarn, text, account, count, slog.String("by", e.Origin.By), slog.String("client", e.Origin.Client))
}

// watchClock warns if most phones are off in one direction: then it is the server's clock
// that is wrong.
func (w *Warnings) watchClock(e verifier.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.accepted) >= maxDrift {
		clear(w.accepted)
	}
	w.accepted[e.Account] = acceptance{e.Time, e.Verdict.SkewSteps}
	if e.Verdict.SkewSteps == 0 { // the usual phone must not cost a look at all others
		return
	}
	ahead, behind := w.countClocks(e.Time)
	most, direction := ahead, "behind"
	if behind > ahead {
		most, direction = behind, "ahead"
	}
	if most < driftAccounts || most*5 < len(w.accepted)*4 || e.Time.Before(w.quiet) {
		return
	}
	w.quiet = e.Time.Add(driftTime)
	w.log.Warn("this machine's clock seems to be "+direction+", because most phones disagree: set it by NTP", "accounts", len(w.accepted), "off", most)
}

// countClocks counts the accounts whose phones were ahead and behind within driftTime. It
// forgets older acceptances.
func (w *Warnings) countClocks(now time.Time) (ahead, behind int) {
	for account, a := range w.accepted {
		switch age := now.Sub(a.at); {
		case age < 0 || age > driftTime:
			delete(w.accepted, account)
		case a.skew > 0:
			ahead++
		case a.skew < 0:
			behind++
		}
	}
	return ahead, behind
}
