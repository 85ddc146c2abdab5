//go:build linux

package cmd_test

import (
	"os"
	"testing"

	"totpctl/cmd/cmdtest"
)

func TestMain(m *testing.M) { os.Exit(cmdtest.Main(m)) }
