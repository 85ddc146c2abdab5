//go:build linux

package doors

import (
	"os"
	"testing"

	"totpctl/cmd/cmdtest"
)

func TestMain(m *testing.M) { os.Exit(cmdtest.Main(m)) }
