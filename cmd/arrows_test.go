package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows names, for each package, those of the project that it may import; "/..." is
// a package and all below it. Packages that only serve tests have no line.
var arrows = map[string][]string{
	"totpctl":                   {"totpctl/cmd"},
	"totpctl/cmd":               {"totpctl/cmd/...", "totpctl/server/...", "totpctl/totp/..."},
	"totpctl/cmd/authenticator": {"totpctl/totp"},
	"totpctl/cmd/clipboard":     {},
	"totpctl/cmd/doctor":        {"totpctl/cmd/config", "totpctl/cmd/hint", "totpctl/server/api", "totpctl/server/client", "totpctl/totp", "totpctl/totp/sqlstore", "totpctl/totp/verifier"},
	"totpctl/cmd/config":        {"totpctl/cmd/hint", "totpctl/server/api", "totpctl/server/client", "totpctl/server/proxy", "totpctl/totp", "totpctl/totp/sqlstore", "totpctl/totp/verifier"},
	"totpctl/cmd/doors":         {},
	"totpctl/cmd/hint":          {},
	"totpctl/cmd/manual":        {},
	"totpctl/cmd/pam":           {},
	"totpctl/cmd/passphrase":    {"totpctl/cmd/hint"},
	"totpctl/cmd/proof":         {},
	"totpctl/cmd/transfer":      {"totpctl/totp", "totpctl/totp/exchange", "totpctl/totp/verifier"},
	"totpctl/server":            {"totpctl/server/api", "totpctl/server/pages", "totpctl/server/proxy", "totpctl/totp", "totpctl/totp/session", "totpctl/totp/verifier"},
	"totpctl/server/api":        {"totpctl/totp", "totpctl/totp/qrcode", "totpctl/totp/verifier"},
	"totpctl/server/client":     {"totpctl/server/api", "totpctl/totp", "totpctl/totp/verifier"},
	"totpctl/server/pages":      {"totpctl/server/api", "totpctl/totp", "totpctl/totp/qrcode", "totpctl/totp/verifier"},
	"totpctl/server/metrics":    {"totpctl/totp", "totpctl/totp/verifier"},
	"totpctl/server/proxy":      {},
	"totpctl/totp":              {},
	"totpctl/totp/audit":        {"totpctl/totp/verifier"},
	"totpctl/totp/exchange":     {"totpctl/totp"},
	"totpctl/totp/qrcode":       {},
	"totpctl/totp/session":      {},
	"totpctl/totp/sqlstore":     {"totpctl/totp", "totpctl/totp/session", "totpctl/totp/verifier"},
	"totpctl/totp/verifier":     {"totpctl/totp"},
}

// A goPackage is one of the project, as go list prints it.
type goPackage struct {
	ImportPath, Dir                    string
	GoFiles, CgoFiles, IgnoredGoFiles  []string
	Imports, TestImports, XTestImports []string
}

// forTests reports whether the package only serves tests.
func (p goPackage) forTests() bool {
	return len(p.GoFiles) == 0 || slices.Contains(p.Imports, "testing")
}

func goPackages(t *testing.T) (all []goPackage) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(goTool(t, "list", "-json", "./..."))); ; {
		var p goPackage
		err := d.Decode(&p)
		switch {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func goTool(t *testing.T, args ...string) []byte {
	t.Helper()
	c := exec.Command("go", args...)
	c.Dir = ".."
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %v: %v", args, err)
	}
	return out
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range goPackages(t) {
		to, listed := arrows[p.ImportPath]
		if p.forTests() {
			continue
		}
		if !listed {
			t.Errorf("%s is not in the table of arrows", p.ImportPath)
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i+"/", "totpctl/") && !slices.ContainsFunc(to, func(a string) bool { return pointsTo(a, i) }) {
				t.Errorf("%s imports %s; it may import %v", p.ImportPath, i, to)
			}
		}
	}
}

func pointsTo(arrow, path string) bool {
	below, wide := strings.CutSuffix(arrow, "/...")
	return path == below || wide && strings.HasPrefix(path, below+"/")
}

func TestWhatTestsAloneNeedIsNotInTheBinary(t *testing.T) {
	for dep := range strings.FieldsSeq(string(goTool(t, "list", "-deps", "."))) {
		if dep == "testing" || strings.Contains(dep, "kin-openapi") {
			t.Errorf("the binary has the package %s", dep)
		}
	}
}

// Tests use test packages and what they test, but no package below cmd needs cmd. The tests
// of the web pages start the binary that cmdtest builds.
func TestNothingBelowCmdImportsCmd(t *testing.T) {
	for _, p := range goPackages(t) {
		if p.ImportPath == "totpctl" || pointsTo("totpctl/cmd/...", p.ImportPath) {
			continue
		}
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if pointsTo("totpctl/cmd/...", i) && !(p.ImportPath == "totpctl/server/browsertest" && i == "totpctl/cmd/cmdtest") {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestOnlyTotpImportsGotp(t *testing.T) {
	for _, p := range goPackages(t) {
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if strings.HasPrefix(i, "github.com/xlzd/gotp") && p.ImportPath != "totpctl/totp" {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// All else is handed a clock.
func TestTheClockIsNamedOnceInCmd(t *testing.T) {
	var found []string
	for _, p := range goPackages(t) {
		if p.forTests() {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
			if !strings.HasSuffix(name, "_test.go") {
				found = append(found, clocks(t, filepath.Join(p.Dir, name))...)
			}
		}
	}
	if len(found) != 1 || !strings.Contains(found[0], "/cmd/root.go:") {
		t.Errorf("the clock is read at %q, want one place in cmd/root.go", found)
	}
}

// clocks returns where a file names a function that reads the clock.
func clocks(t *testing.T, file string) (places []string) {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := s.X.(*ast.Ident)
		if ok && of.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
			places = append(places, set.Position(s.Pos()).String())
		}
		return true
	})
	return places
}

// A clone has all that building and testing need: no module is replaced, no file is a
// link, and no path in the sources leads out.
func TestTheProjectNeedsNothingFromOutsideItsTree(t *testing.T) {
	if replaced := goTool(t, "list", "-m", "-f", "{{with .Replace}}{{.}}{{end}}", "all"); len(bytes.TrimSpace(replaced)) > 0 {
		t.Errorf("go.mod replaces %s", replaced)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range goPackages(t) {
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if p.ImportPath == "totpctl/server" && !strings.HasSuffix(file, "_test.go") {
				continue // what leads upwards there is a URL
			}
			for _, path := range relativePaths(t, file) {
				if to := filepath.Join(p.Dir, path); to != root && !strings.HasPrefix(to, root+string(filepath.Separator)) {
					t.Errorf("%s names %s, which is outside the tree", file, path)
				}
			}
		}
	}
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == ".git" && d.IsDir() {
			return filepath.SkipDir
		}
		if err == nil && d.Type()&os.ModeSymlink != 0 {
			t.Errorf("%s is a link", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// relativePaths returns the strings of a file that lead upwards.
func relativePaths(t *testing.T, file string) (paths []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			text, err := strconv.Unquote(l.Value)
			if err == nil && (text == ".." || strings.HasPrefix(text, "../")) {
				paths = append(paths, text)
			}
		}
		return true
	})
	return paths
}
