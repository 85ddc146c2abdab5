package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// release is the version of this tree. The commit that is released, and gets the tag v and
// this version, has it without -dev; the next commit names the next version.
const release = "1.0.0-dev"

func (p program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of totpctl, and of the Go that built it",
		Example: "  totpctl version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.out, "totpctl", version())
			return err
		},
	}
}

// version returns the build and the version of Go, such as
// "1.0.0, commit 0123456789ab, go1.26.0".
func version() string { return build() + ", " + runtime.Version() }

// build returns the release, and the commit where the Go tool knew one.
func build() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return release + commitOf(info)
	}
	return release
}

// commitOf returns ", commit " and the first 12 digits of the commit, and whether files were
// changed since; "" if the binary was built from an archive or from a tagged module.
func commitOf(info *debug.BuildInfo) string {
	commit, modified := pseudoCommit(info.Main.Version), ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " (modified)"
		}
	}
	if commit == "" {
		return ""
	}
	return ", commit " + commit + modified
}

// pseudoCommit returns the commit of a pseudo-version, such as
// v0.0.0-20261126060421-0123456789ab, and "" for any other version.
func pseudoCommit(version string) string {
	version, _, _ = strings.Cut(version, "+")
	before, commit := cutLast(version, "-")
	_, stamp := cutLast(strings.ReplaceAll(before, ".", "-"), "-")
	if len(commit) != 12 || len(stamp) != len("20261126060421") {
		return ""
	}
	return commit
}

// cutLast is strings.Cut at the last separator, of a text that may lack it.
func cutLast(text, separator string) (before, after string) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, ""
	}
	return text[:i], text[i+len(separator):]
}
