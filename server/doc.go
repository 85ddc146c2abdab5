// Package server offers a verifier over HTTP: verdicts for programs that have a bearer,
// accounts for administrators, and web pages on which people set up an authenticator. It
// keeps nothing but its bearers and the token of its set-up link; all else is the
// verifier's. The JSON of its bodies is package api's.
//
// The prototype is what totpctl replaces: a Flask server with GET /check/{code} and a QR
// code for one account, and an Ionic app that asks it. The app works with this server, too.
//
// # Routes and scopes
//
// The table in routes.go is the list of all routes. A new route is a row there. Each has
// a kind, which says whose web pages may send it requests and whether its errors are JSON
// or a page, and a handler for each method:
//
//   - /check, /check/{code}: verdicts, with scope check. The web apps of Config.Origins
//     may read the answers. GET is the prototype's: 200 for every verdict. POST answers
//     429 to an attempt that is throttled, and repeats its verdict for the same
//     Idempotency-Key. "retry_after" is in the verdict on a throttled attempt, and in the
//     one on the wrong code that starts a wait: that is 200, because the code was looked at.
//   - /accounts and below: with scope admin. POST /accounts makes a pending account and
//     answers with its fresh secret. With "secret", which is of SHA1, 6 digits and 30 s,
//     or with "uri" (otpauth, read strictly), it makes an account that is active at once,
//     and answers with the account, as a GET of it, and with warnings of a weak secret. A
//     URI names the account if the body does not. GET /accounts lists by "prefix" and
//     "status", which is a status or a group of them. GET /accounts/{account} takes scope
//     check, too, and then tells the status alone.
//   - /: the default account's QR code, for whoever has the set-up link, a session, or
//     ADMIN_BEARER as the password of HTTP Basic. No other route takes HTTP Basic, and no
//     browser is asked for it.
//   - /admin and below: accounts for administrators with a browser, see below.
//   - /enrol/{token}: a pending key's QR code, or new recovery codes, for whoever has the
//     link. /enrolled: the end of every such link.
//   - /recover: a form for an account and one of its recovery codes, with Config.SelfService.
//     It redirects to a link of /enrol that its browser has opened. What it refuses has one
//     answer, after one time.
//   - /app, /static/{file}: a page for a phone that checks codes, and what the pages load.
//   - /scope: what the request's bearer is good for, so that /app keeps no administrator's.
//   - /openapi.json: all of this for programs, but for the web pages. A new route, status or
//     field is a line there, too: servertest fails a test whose answer it does not allow.
//   - /healthz, /readyz: for load balancers. Neither writes to the store.
//
// A bearer has a scope: check may check codes and ask for statuses, admin may do
// everything. SetBearers replaces the bearers of both at once. They are kept as digests
// and compared in constant time. A path answers 405 to every method that its row does not
// name. That includes HEAD: net/http would run the GET handler, which uses up a code.
//
// # An administrator's session
//
// /admin/sign-in takes ADMIN_BEARER in a form and, with Config.AdminAccount, that account's
// code. It begins a session of package session: the cookie has a random id, the database its
// hash. signedIn lets only requests of a session pass; the audit log names the bearer that has
// begun it. Failed attempts have bounds of their own (tries), so that they take nothing from
// verdicts. Without a session a page answers 401 with the form, which leads back.
//
// A change is a POST that redirects to what came of it. The browser keeps that in a cookie
// (flash) with a MAC under the session's id, and the page shows it where the query names it.
// A link for an owner is in there and nowhere else: the database has its hash.
//
// # A request
//
// A request passes, from outside to inside: the record and its log line; the headers
// of every answer; the redirect to a clean path; the mux; who may ask from a browser;
// the bound on its body; the bearer's scope; the handler.
//
// What the verifier's Witness is told of a request begins with its origin: the bearer, by
// a keyed fingerprint, or the link, and the client's address. The Witness is also told of
// each request that is refused for its bearer or its link. Without the Witness there is no
// answer but 503.
//
// A handler writes its answer, or returns an error and writes nothing. The route's kind
// then writes the error: in JSON, as programs read it, or as a page. A problem is an
// error whose text the caller is told. Every error body has a code, which programs
// compare (the table is in problem.go and in cmd/manual/api.md). An error of the verifier's
// that has no code of its own means that the store gave no verdict. Its status is 503, and
// its body says neither true nor false. An error of this package's own is 500.
//
// Every request has one record in its context: who asked, about which account, what the
// verdict was, and why there is no other answer. Handlers fill the record; the request
// log reads it. The log leaves the record's account out and names routes by their
// patterns, so it never has a code, a bearer, a token, a secret or an account.
//
// # What browsers obey
//
// Every answer forbids caching, framing, sniffing and whatever its page does not load
// (Content-Security-Policy). A page's window is cut off from those of other sites
// (Cross-Origin-Opener-Policy). Pages with a secret are not compressed: an attacker who
// chooses text beside a secret can guess it from the compressed length (BREACH).
// Strict-Transport-Security is sent if Config.PublicURL is https and not loopback. Forms
// are taken from the server's own pages alone (net/http's CrossOriginProtection),
// because a browser sends HTTP Basic credentials and cookies on its own.
//
// # Set-up and enrolment
//
// The set-up link has a token of 130 random bits in memory. It lets its owner see the
// default account's secret for an hour from the start of the server, or until the
// account has accepted a code. Whoever comes later is told that the link has ended,
// and why: the owner must learn that somebody else was first.
//
// An enrolment link leads to a pending account. GET shows a button and no secret,
// because mail scanners and previews follow links. The button's POST binds the link to
// that browser by a cookie (HttpOnly, SameSite=Strict, for the link's path alone), and
// redirects to the link, which shows the QR code to that browser for 15 minutes from then
// on; unopened, a link waits for a day or what ENROL_TTL says. A good code confirms the
// account, and the link shows the recovery codes until they are acknowledged or an hour is
// over. A link for new recovery codes shows these behind its button, and asks for no code.
// A link that is not good has one page, whatever the reason, so that a guess learns
// nothing. The cookie outlives its link by a day: the browser that has opened or ended the
// link is told so.
//
// Every form answers with a redirect (303), because a reload or Back would send its code
// again. The verdict comes to the page by a cookie and is told once (verdict_cookie.go).
package server
