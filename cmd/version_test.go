//go:build linux

package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const pseudoModule = "v0.0.0-20261126060421-0123456789ab"

// The ways in which people build the program, each a script that leaves ./totpctl. All run in
// one folder, one after the other, because Go compiles the packages of another folder anew.
var builds = []struct{ name, script, commit string }{
	{"an archive", `build .`, ``},
	{"-buildvcs=false", `repository; build -buildvcs=false .`, ``},
	{"a clone with a tag", `repository; git tag v0.9.0; build .`, `, commit [0-9a-f]{12}`},
	{"a shallow clone", `repository; git clone -q --depth 1 "file://$PWD" m; rm -r .git; mv m/.git .; rm -r m; build .`, `, commit [0-9a-f]{12}`},
	{"a module of a version", `module v0.9.0; build totpctl`, ``},
	{"a module of a commit", `module ` + pseudoModule + `; build totpctl`, `, commit 0123456789ab`},
	{"a changed clone", `repository; echo >>main.go; build .`, `, commit [0-9a-f]{12} \(modified\)`},
}

const buildFunctions = `set -e
top=$PWD
rm -rf .git m totpctl
build() { go build -o "$top/totpctl" -ldflags=-w "$@"; } # which links in half the time
repository() { git init -q; git add .; git -c user.name=t -c user.email=t@t commit -qm t; }
# As go install totpctl@version, for which the module's path would have to be a host's.
module() {
	mkdir m; cp go.mod go.sum m; cd m
	go mod edit -module m -require "totpctl@$1" -replace totpctl=..
	printf 'package m\nimport _ "totpctl/cmd"\n' >m.go
}
`

func TestEveryBuildHasAVersion(t *testing.T) {
	release := regexp.MustCompile(`(?m)^const release = "(\d+\.\d+\.\d+\S*)"$`).FindStringSubmatch(source(t, "version.go"))
	if release == nil {
		t.Fatal("version.go names no release")
	}
	dir := freshClone(t)
	for _, build := range builds {
		t.Run(build.name, func(t *testing.T) {
			c := exec.Command("bash", "-c", buildFunctions+build.script)
			c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=auto") // whatever `go env -w` has set here
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, argument := range []string{"version", "--version"} {
				out, err := exec.Command(filepath.Join(dir, "totpctl"), argument).CombinedOutput()
				if want := `\Atotpctl ` + regexp.QuoteMeta(release[1]) + build.commit + `, go1\.\d+\S*\n\z`; err != nil || !regexp.MustCompile(want).Match(out) {
					t.Errorf("%s prints %q, %v, want %s", argument, out, err, want)
				}
			}
		})
	}
}

func TestATagIsTheVersionOfItsTree(t *testing.T) {
	c := exec.Command("git", "tag", "--points-at", "HEAD", "v*")
	tags, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	for tag := range strings.FieldsSeq(string(tags)) {
		if !strings.Contains(source(t, "version.go"), `const release = "`+strings.TrimPrefix(tag, "v")+`"`) {
			t.Errorf("HEAD has the tag %s, and version.go another release", tag)
		}
	}
}

func source(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
