package cmd

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (p program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of totpctl and of the Go that built it",
		Example: "  totpctl version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.out, "totpctl", version())
			return err
		},
	}
}

// version returns what the Go tool wrote into the binary: the module's version or the
// commit, and the version of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && info.Main.Version == "(devel)":
			text += " " + s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " (modified)"
		}
	}
	return text + ", " + info.GoVersion
}
