// Totpctl is a second factor that people host and script: see README.md.
package main

import (
	"os"

	"totpctl/cmd"
)

func main() { os.Exit(cmd.Main()) }
