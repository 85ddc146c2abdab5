//go:build !linux

package browsertest

import (
	"testing"

	"totpctl/server/servertest"
)

// cmdtest needs Linux: elsewhere the server of every site is in this process.
func runTests(m *testing.M) int { return m.Run() }

func (s *site) serve(servertest.Options) {}
