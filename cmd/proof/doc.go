// Package proof has the tests and benchmarks of the whole binary under crashes,
// failover and load. It has no code of its own.
//
// What they prove:
//
//   - No code is accepted twice. Clients offer the same codes to several servers while
//     servers are killed and paused and the database crashes, restarts or fails over.
//     Everything that the clients saw is recorded as a history, and every history is
//     linearizable against the contract of one account: a step later than the last
//     accepted one is accepted, any other is refused. The checker is porcupine; the
//     model and its reduction have tests of their own.
//   - No acceptance is lost. A server on SQLite is killed again and again. What its
//     clients were told before is still used after; a trace of system calls shows the
//     sync of the log before the answer.
//   - A burst of parallel guesses gets no more than the budget of the throttle.
//   - A retry under the same Idempotency-Key gets the first verdict, also when its
//     answer was lost and from another server.
//
// BenchmarkLoad and BenchmarkColdStart measure the figures of the manual's table, as
// ratios to bare programs that run at the same time.
//
// The tests need a Unix, PostgreSQL and strace, which .ci/run installs.
package proof
