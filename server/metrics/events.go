package metrics

import (
	"context"

	"github.com/VictoriaMetrics/metrics"

	"totpctl/totp"
	"totpctl/totp/verifier"
)

// The verdicts that no Reason names.
const (
	valid          = "valid"
	unknownAccount = "unknown_account" // no account has the name
	noVerdict      = "none"            // the server could not give one
)

// verdicts returns the label of each verdict on an account.
func verdicts() []string {
	return []string{
		valid, string(verifier.ReasonInvalid), string(verifier.ReasonReplayed), string(verifier.ReasonMalformed), string(verifier.ReasonThrottled),
		string(verifier.ReasonPending), string(verifier.ReasonStopped), string(verifier.ReasonDisabled),
	}
}

// The signs that somebody guesses codes of one account.
const (
	signTen      = "ten_in_a_row"       // an account had its tenth wrong code in a row
	signStopped  = "stopped"            // an account was stopped by its hundredth
	signAccepted = "accepted_after_ten" // a good code after ten wrong ones
	signFifty    = "fifty_in_30_days"   // an account had fifty wrong codes, whatever was good between

	many       = 10
	manyRecent = 50
	firstWait  = 3 // the wrong code in a row from which on each starts a wait
)

const maxSkew = totp.MaxSkew

// changeKinds returns the label of each kind of change of an account.
func changeKinds() map[verifier.EventKind]string {
	return map[verifier.EventKind]string{
		verifier.KindConfirm: "confirm", verifier.KindAdd: "add", verifier.KindImport: "import", verifier.KindReplace: "replace",
		verifier.KindRekey: "rekey", verifier.KindRevoke: "revoke", verifier.KindRename: "rename", verifier.KindRecoveryCodes: "recovery_codes", verifier.KindRecoveryLink: "recovery_link", verifier.KindRecover: "recover",
		verifier.KindUnlock: "unlock", verifier.KindDisable: "disable", verifier.KindRemove: "remove",
	}
}

// Ready implements verifier.Witness.
func (m *Metrics) Ready() error { return nil }

// Tell implements verifier.Witness.
func (m *Metrics) Tell(_ context.Context, events ...verifier.Event) error {
	for _, e := range events {
		m.count(e)
	}
	return nil
}

func (m *Metrics) count(e verifier.Event) {
	switch {
	case e.Kind == verifier.KindRefuse:
		increment(m.refusals, string(e.Refusal))
	case e.Kind == verifier.KindRecover:
		m.judgeRecovery(e)
	case e.Refusal != "":
		increment(m.checks, unknownAccount)
	case e.Kind == verifier.KindCheck:
		increment(m.checks, verdictOf(e))
		m.judge(e)
	case e.Kind == verifier.KindConfirm:
		increment(m.confirmations, verdictOf(e))
	case e.Kind == verifier.KindOpen:
		m.linksOpened.Inc()
	}
	if e.IsChange() {
		increment(m.changes, changeKinds()[e.Kind])
	}
}

// increment leaves out what has no counter: no label grows with what is told.
func increment(counters map[string]*metrics.Counter, label string) {
	if c := counters[label]; c != nil {
		c.Inc()
	}
}

func verdictOf(e verifier.Event) string {
	if e.Verdict.Valid {
		return valid
	}
	return string(e.Verdict.Reason)
}

// judge counts what tells a guesser from people who mistype, and a wrong clock.
func (m *Metrics) judge(e verifier.Event) {
	switch good := e.Verdict.Valid; {
	case e.Verdict.Repeated:
	case good && e.Verdict.Recovery:
		m.recovered.Inc()
	case good:
		if steps, ok := m.skews[e.Verdict.SkewSteps]; ok {
			steps.Inc()
		}
		if e.Failures >= many {
			increment(m.signs, signAccepted)
		}
	case e.Recovery && e.Verdict.Reason == verifier.ReasonInvalid:
		m.judgeRecovery(e)
	case !e.Free:
		m.countFailure(e)
	}
}

// judgeRecovery counts recovery codes, used for a login or for a new enrolment.
func (m *Metrics) judgeRecovery(e verifier.Event) {
	switch {
	case e.Refusal != "":
	case e.Verdict.Valid:
		m.recovered.Inc()
	case e.Verdict.Reason == verifier.ReasonInvalid:
		m.recoveryFailures.Inc()
	}
}

func (m *Metrics) countFailure(e verifier.Event) {
	if e.Failures == 1 {
		m.firstFailures.Inc()
	}
	if e.Failures >= firstWait {
		m.waits.Inc()
	}
	if e.Failures == many {
		increment(m.signs, signTen)
	}
	if e.Stopped {
		increment(m.signs, signStopped)
	}
	if e.Recent > 0 && e.Recent%manyRecent == 0 {
		increment(m.signs, signFifty)
	}
}

// WatchAudit adds the audit log's events, its failures, and whether it takes events, and
// returns the witness to tell in its place.
func (m *Metrics) WatchAudit(w verifier.Witness) verifier.Witness {
	m.auditEvents, m.auditFailures = m.set.NewCounter("totpctl_audit_events_total"), m.set.NewCounter("totpctl_audit_failures_total")
	m.watch("totpctl_audit_up", func(context.Context) error { return w.Ready() })
	return audited{w, m}
}

// audited counts what an audit log is told.
type audited struct {
	verifier.Witness
	metrics *Metrics
}

// Ready implements verifier.Witness.
func (a audited) Ready() error {
	err := a.Witness.Ready()
	if err != nil {
		a.metrics.auditFailures.Inc()
	}
	return err
}

// Tell implements verifier.Witness.
func (a audited) Tell(ctx context.Context, events ...verifier.Event) error {
	err := a.Witness.Tell(ctx, events...)
	if err != nil {
		a.metrics.auditFailures.Inc()
		return err
	}
	a.metrics.auditEvents.Add(len(events))
	return nil
}
