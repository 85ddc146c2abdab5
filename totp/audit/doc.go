// Package audit keeps the audit log: who did what, and who tried to. A [Log] is a
// verifier.Witness, so that an event is on record after its commit and before anybody
// learns of it. [Warnings] is another, and tells an operator's log what asks for a person.
//
// # The fields
//
// Each line is one JSON object. Its fields have these names, in this order, and keep them
// and their meanings; later versions may add others, also among them. A field that does not
// apply is left out.
//
//	time        when it happened (RFC 3339, UTC, with milliseconds)
//	event       what happened: one of verifier's EventKinds, or "audit.open"
//	account     the name of the stored account that bears the event
//	default     true if the default account, which has no name, bears the event
//	to          the new name, of account.rename
//	valid       of a verdict: true or false
//	reason      why a verdict is not valid, or one of verifier's Refusals
//	recovery    true if a recovery code was offered
//	repeated    true if the verdict was given before, for the same request
//	skew_steps  of a good code: steps between the server's clock and the code's
//	failures    of a verdict: wrong codes in a row, those before a good code, or else
//	            those up to now
//	by          who: "bearer:" and 8 hexadecimal digits of a keyed fingerprint ("bearer" if
//	            there is no ENCRYPTION_KEY), "link" (an enrolment link), "page" (the set-up
//	            link), "recover" (the page /recover), "cli:" and a user; left out for
//	            strangers
//	client      the address of the client
//	request_id  the id of the request
//	count       how many such events the line stands for, see below
//	lost        of audit.open: how many events could not be recorded since the last line
//
// Nothing in a line is a secret, a code, a token, or the name of an account that does not
// exist: people type passwords into fields for names. The fingerprint is an HMAC under a key
// of the database, so that a reader of the log cannot test guesses of a bearer.
//
// An event "refuse", and a check or a recover with the reason no_account, bad_account or damaged,
// is of no account. An event "recover" is a verdict on a recovery code that would begin a new
// enrolment. Of no account are also admin.sign_in and admin.sign_out, of the administrator's page.
// The event audit.open says that a server has opened the log: at its start, on SIGHUP, or
// after it could not be written.
//
// # Counted lines
//
// What costs a guesser nothing must not fill the disk. Verdicts that charge nobody (malformed,
// throttled, replayed, stopped, disabled, pending, a wrong recovery code) are a line a second
// for each account and reason; refusals, and names that no account has, are a line a second for
// each reason. A good verdict that is repeated has one line of its own in a second and
// account. Such a line has a count, and its other fields are those of the first of these
// events. Beyond 1000 accounts in a second the rest share a line a kind, with the reason
// "more_accounts" and no account. A process that is killed loses the lines of its last second.
//
// # Order and durability
//
// All other events have a line of their own. Their callers wait for its write, which is
// shared by all events that wait, and for an fsync of a change of an account. A write holds
// a lock on the file (flock), so that several processes may append to it. What was written of
// a line that did not fit is taken away again. A process that is killed between a commit and
// its line leaves no line, and nobody has learned of the event.
//
// # Failures
//
// A Log fails closed. After an error it refuses events until it can write again, which it
// tries each second on a file that it opens anew. A write or fsync that takes too long is an
// error. So is a file that was removed, because nobody could read it, and a file that begins
// otherwise than a line does, because it is no audit log. A file that was renamed is written
// on until Reopen, which SIGHUP calls.
package audit
