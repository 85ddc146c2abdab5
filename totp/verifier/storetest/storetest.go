// Package storetest tests that a verifier.Store keeps its contract, alone and under the
// rules of package verifier.
package storetest

import (
	"slices"
	"testing"

	"totpctl/totp/verifier"
)

// Open returns a Store on the one database of a test. Every call opens it anew,
// while the Stores opened before may still be in use; the Store is closed by the
// test's cleanup.
type Open func(t *testing.T) verifier.Store

// A test is a behaviour that a Store must have.
type test struct {
	name string
	run  func(*testing.T, Open)
}

// Run runs the suite, in an order that can be read: first what a Store does by itself,
// then what the rules do with it. fresh makes an empty database for each test.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	for _, test := range slices.Concat(store, verdicts, accounts, imports, renames, links, recoveries, clocks, fences, names, events, lists) {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}
