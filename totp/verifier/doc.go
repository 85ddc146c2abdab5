// Package verifier is the policy of totpctl: it decides whether a code that is
// offered may be used, and enrols those who offer codes.
//
// The rules are pure functions of an account, an attempt and the time (rules.go,
// throttle.go, recovery.go). A Verifier applies them through a [Store], which changes
// each account atomically. Package sqlstore has two Stores; package storetest tests
// the contract. No clock is read here but the one in [Config].
//
// # The order of calls
//
// [Verifier.Add] makes an account with a pending key and a link. Its owner, or the
// program for her, follows the link:
//
//   - [Verifier.Peek] says what the link leads to, and changes nothing: a message's
//     preview may fetch a link before its owner does.
//   - [Verifier.Open] shows the key to the first browser that asks, by a cookie;
//     [Verifier.OpenOwn] to one that was given its cookie before. A link may wait for
//     Config.PendingTime until then; its browser has [OpenTime] from then on.
//   - [Verifier.ConfirmByLink] tries a first code. A good one makes the key live.
//   - Peek then returns the recovery codes, until [Verifier.Acknowledge] or [KeepTime].
//
// [Verifier.Confirm] does without a link. From then on [Verifier.Check] gives
// verdicts. For a new phone [Verifier.Rekey] makes a second, pending key; the live
// key works until a code of the new one is confirmed. The default account needs none
// of this: its key is in Config. Whoever opens a database calls [Verifier.Sweep].
//
// An owner who has lost her authenticator does without an administrator: [Verifier.Recover]
// takes a recovery code and begins a rekey in her browser. [Verifier.RecoveryLink] gives her new
// recovery codes by a link.
//
// [Verifier.List] returns pages of accounts: those of a [Query], by the beginning of their names
// and by a [Filter] of their status. [Verifier.Show] returns one.
//
// A key that is in use elsewhere already needs no first code: [Verifier.Import] and
// [Verifier.AddActive] make it the live key at once. [Verifier.Entries] reveals the live
// keys of all stored accounts, for who takes them elsewhere. [Verifier.Rename] gives an
// account another name. A key of Steam is kept for an authenticator alone: each of its
// codes is malformed here, and it has no recovery codes.
//
// # What a verdict means
//
// One-time (RFC 6238 section 5.2): of each account, only a code of a later step than
// the last accepted one is good. One conditional statement of the Store decides, so
// this holds for concurrent requests, after a crash, and across servers on one
// database. The code that confirms a key is used up by that.
//
// Throttled (RFC 4226 section 7.3, NIST SP 800-63B-4 section 3.2.2): the third wrong
// code in a row starts a wait of 30 s, and each further one a wait twice as long, up
// to an hour. During a wait no code is looked at, counted, or makes the wait longer. A
// good code ends the count. Only a wrong code of the right form is charged: a malformed
// or used one is not. A pending key has a count of its own, which never touches the
// live key. A guess therefore is right with a chance of 3 in 10⁶ at 6 digits and skew
// 1, and 100 in a row with 3·10⁻⁴.
//
// Stopped: 100 wrong codes in a row stop the live key, and so does revoking it. No
// code of it is good then, whatever the time. Recovery codes are, and the first code of
// a new key. Unlock starts a key again that guesses have stopped, and never a revoked
// one. Disabled is more: a person has ended the account's use, recovery codes included.
//
// Rekeyed: whoever has a recovery code can bring in a key by Recover. Good verdicts on that key
// tell so for a week, for the application to judge.
//
// Retry-safe: a request that is repeated under its [RequestID] within 5 minutes gets
// its first answer, marked Repeated, and is not evaluated again. The answer is stored
// with the verdict, in one transaction. An account keeps one answer, its last. What
// revokes also ends that answer: Disable, a revoking Rekey, new recovery codes.
//
// Durable: when a method returns without an error, what it has changed has reached
// stable storage.
//
// Fail closed: an error is no verdict. It must never be read as yes or as no.
// ErrNoAccount is one, because "not enrolled" is for the application to judge. Each
// call of the Store has a deadline.
//
// Witnessed: a [Witness] is told of each verdict and each change after its commit, and before
// the caller learns of it. Where it fails there is ErrWitness instead: what was committed
// stays, so a code may be used up, and a repeated request gets its answer once the Witness
// is told of that. A Witness that is not ready is asked before anything is committed.
//
// Counted: wrong codes of an account within 30 days and, apart from them, wrong recovery codes,
// up to 999. A good code, a new key and an unlock clear neither count. Nothing follows from
// them but what an operator makes of them.
//
// Revoked: a lost phone's key is deleted at once, not when its successor is confirmed.
//
// Clocks: a Store may hold times of a server whose clock was wrong. A wait is never
// longer than an hour from now on. An answer that would be repeated for longer than 5
// minutes is forgotten, and so are a pending key that would last for more than 30 days
// and a kept confirmation that would last too long. A last accepted step that is ahead
// of the clock refuses good codes: List tells until when, and Unlock lowers it. A clock
// before 1970 gives no verdict and charges nobody.
//
// # Recovery codes
//
// A confirmed account has ten recovery codes of 120 random bits. Each is good once, in
// place of a code. They are too long to guess, so a wrong one is not charged, and a wait
// does not keep their owner out. The Store has hashes of them, made with the name that
// the account had then, which is kept with the hashes if the account is renamed. Recovery
// codes of other programs are taken only if they have this form, or 130 bits as those of
// earlier versions.
//
// Strangers may call Recover. Whatever the reason, it refuses with ErrRecover and takes the same
// time. ErrBusy bounds the calls that are under way, in all and from one network.
//
// # Links
//
// A link is of one of two kinds: LinkKey shows a pending key and, after its first code,
// recovery codes; LinkCodes shows new recovery codes, and the old ones are void from its
// opening on. Two clocks run, one after the other: an unopened link waits for
// Config.PendingTime, and the browser that opens it has OpenTime for a key, or KeepTime for
// recovery codes.
//
// A token has 130 random bits, and so has a cookie; the Store has their hashes. A link
// shows what it has to the browser that opened it and to no other. A cookie that came with the
// first request binds nothing, because an attacker may have planted it (session fixation).
// ErrLink is the answer to each link that is not good, and does not say why, so that a
// guess learns nothing. The confirming browser is shown the recovery codes again until
// it acknowledges them, because the first answer may be lost on its way.
//
// # Words
//
//	account          what codes are checked for; stored ones have a name
//	default account  the account "", whose key is in Config; its id is a fingerprint
//	                 of that key, so that a new key starts unused
//	issuer, label    the two names that an authenticator shows of an account
//	live key         the confirmed key, whose codes Check accepts
//	pending key      a new key, which waits for its first good code
//	link             shows a pending key, or new recovery codes, to one browser
//	token            the secret part of a link
//	cookie           binds a link to the browser that has opened it
//	confirm          offer the first code of a pending key; a good one makes it live
//	recover          offer a recovery code for a new pending key
//	kept             a confirmation that is told again until its owner has seen it; also
//	                 a link for new recovery codes
//	step             the number of a code's period since 1970 (RFC 6238, T)
//	skew             how many steps each side of the present one are accepted
//	attempt          a code, or a recovery code, that is offered for an account
//	verdict          what Check says of an attempt: Valid, or a reason
//	reason           why an attempt is not valid
//	answer           a verdict that is remembered for the request that may repeat
//	throttle         the count of wrong codes in a row, and the wait that it has cost
//	wait             the time during which no code is looked at
//	stopped          said of a key: by 100 wrong codes in a row, or revoked
//	disabled         said of an account: by a person
//	event            a verdict or a change, as the Witness is told of it
//	origin           who causes an event, and from where
//	free             said of a verdict that has charged nobody
//	status           what List tells of an account, a stopped key included
package verifier
