// Package server answers for a verifier over HTTP: verdicts for programs that have a
// bearer, accounts for administrators, and web pages on which people set up an
// authenticator. It keeps nothing but its bearers and the token of its set-up link;
// all else is the verifier's. The JSON of its bodies is package api's.
//
// # Routes and scopes
//
// The table in routes.go is the list of all routes. Each has a kind, which says whom
// browsers may ask it for and who reads its errors, and a handler for each method:
//
//   - /check, /check/{code}: verdicts, with scope check. The web apps of Config.Origins
//     may read the answers. GET is the prototype's: 200 for every verdict. POST answers
//     429 to an attempt that is throttled, and repeats its verdict for the same
//     Idempotency-Key.
//   - /accounts and below: with scope admin.
//   - /: the default account's QR code, with the set-up link or ADMIN_BEARER as the
//     password of HTTP Basic, which counts nowhere else.
//   - /enrol/{token}: a pending account's QR code, for whoever has the link.
//     /enrolled: the end of every such link.
//   - /app, /static/{file}: the prototype's mobile page, and what the pages load.
//   - /healthz, /readyz: for load balancers. Neither writes to the store.
//
// A bearer has a scope: check may check codes, admin may do everything. SetBearers
// replaces the bearers of both at once. They are kept as digests and compared in
// constant time. A path answers every method that it does not name with 405, HEAD
// included: net/http would run the GET handler for it, which uses up a code.
//
// # A request
//
// A request passes, from outside to inside: the record and its log line; the headers
// of every answer; the redirect to a clean path; the mux; who may ask from a browser;
// the bound on its body; the bearer's scope; the handler.
//
// A handler writes its answer, or returns an error and writes nothing. The route's kind
// answers for the error: in JSON, as programs read it, or with a page. A problem is an
// error whose text the caller is told. Every error body has a code, which programs
// compare (the table is in problem.go and in README.md). An error of the verifier's
// that has no code of its own means that the store gave no verdict: 503, never true
// and never false. An error of this package's own is 500.
//
// Every request has one record in its context: who asked, about which account, what the
// verdict was, and why there is no other answer. Handlers fill the record; the request
// log reads it. The log names routes by their patterns. Codes, bearers, tokens, secrets
// and accounts do not reach it.
//
// # What browsers obey
//
// Every answer forbids caching, framing, sniffing and whatever its page does not load
// (Content-Security-Policy). Pages with a secret are not compressed: the length would
// give the secret away beside text that others choose. Strict-Transport-Security is
// sent if people reach the server by https on a host that is not this machine. Forms
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
// because mail scanners and previews follow links. The button's POST shows the QR code
// and binds the link to that browser by a cookie (HttpOnly, SameSite=Strict, for the
// link's path alone). A good code confirms the account and redirects to the recovery
// codes, which that browser may see until they are acknowledged or an hour is over. A
// link that is not good has one page, whatever the reason, so that a guess learns
// nothing.
package server
