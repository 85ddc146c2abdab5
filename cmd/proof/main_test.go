//go:build linux

package proof

import (
	"os"
	"testing"

	"totpctl/cmd/cmdtest"
)

func TestMain(m *testing.M) { os.Exit(cmdtest.Main(m)) }
