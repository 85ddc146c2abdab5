// Package client asks a totpctl server for verdicts, as `totpctl check` does.
//
// # What a Check promises
//
// A Result is a verdict that the server has clearly given. Everything else is an error,
// and never a yes: an answer of another service, JSON that two readers may read
// differently, a good code with a reason why it is not, an answer that is longer than
// 64 KiB.
//
// Check asks with one POST /check. If the connection is lost before the whole answer has
// come, or the answer is 502, 503 or 504, Check asks again after 0.1, 0.2, 0.4 and 0.8 s,
// within Config.Timeout. All requests of one Check have the same fresh Idempotency-Key of
// 130 random bits, so the server repeats its first verdict instead of refusing the code
// as used. The Result then has Repeated set. Verdicts and refusals are final: a second
// answer could be another one.
//
// A server without POST /check, as the prototype's, is asked with one GET, and only for a
// code of its one account. A GET is never repeated, because it may have used up the code.
//
// What cannot be a code is not sent: people type passwords into the wrong field.
//
// # Whom the bearer reaches
//
// The bearer goes to the origin of Config.URL alone (scheme, host and port). A redirect is
// followed within that origin, if it keeps the method (307 and 308), three times at most.
//
// A server at a unix socket is asked over plain HTTP, under the Host localhost: no network
// and no proxy is on that way.
//
// Proxies are those of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), but none is
// used to this machine. To an https URL a proxy only opens a tunnel. A proxy for plain http
// reads the bearer and the code, as everyone on that way can; Config.Warn is told before.
//
// Errors show neither bearer nor code, and escape what a server has put into them.
package client
