package browsertest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// axe-core tests accessibility. npm brings it, for these tests alone.
const (
	axeVersion = "4.14.1"
	axeSHA256  = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745" // of the tarball
)

var axe = sync.OnceValues(fetchAxe)

// checkAccessibility wants no violation of any of axe-core's rules.
func (b *tab) checkAccessibility(state string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		b.t.Fatalf("fetching axe-core: %v", err)
	}
	b.wait("document.getAnimations().every(a => a.effect.getComputedTiming().iterations === Infinity)") // colours fade in
	if !eval[bool](b, "'axe' in window") {
		eval[*string](b, script+"; null")
	}
	report := eval[string](b, `axe.run().then(r => JSON.stringify(r.violations.map(v =>
		({rule: v.id, help: v.help, where: v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary)}))))`)
	var violations []struct {
		Rule, Help string
		Where      []string
	}
	if err := json.Unmarshal([]byte(report), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		b.t.Errorf("%s: axe-core's %s: %s: %q", state, v.Rule, v.Help, v.Where)
	}
}

// fetchAxe keeps the tarball in the user's cache.
func fetchAxe() (script string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "totpctl-test")
	path := filepath.Join(folder, "axe-core-"+axeVersion+".tgz")
	packed, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		packed, err = download(folder, path)
	}
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(packed); hex.EncodeToString(sum[:]) != axeSHA256 {
		return "", fmt.Errorf("%s is not the version that was pinned", path)
	}
	return unpack(packed, "package/axe.min.js")
}

// download packs in a folder of its own: tests of another checkout may do so, too.
func download(folder, path string) ([]byte, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	own, err := os.MkdirTemp(folder, "download-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(own)
	c := exec.Command("npm", "pack", "axe-core@"+axeVersion, "--silent", "--pack-destination", own)
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s", err, out)
	}
	if err := os.Rename(filepath.Join(own, filepath.Base(path)), path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func unpack(packed []byte, name string) (string, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	archive := tar.NewReader(z)
	for {
		header, err := archive.Next()
		if err != nil {
			return "", err
		}
		if header.Name == name {
			text, err := io.ReadAll(archive)
			return string(text), err
		}
	}
}

func TestAxeFindsWhatItShould(t *testing.T) {
	t.Parallel()
	script, err := axe()
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, phone)
	b.open("data:text/html,<img src=x><p style='color:%23aaa'>pale")
	eval[*string](b, script+"; null")
	if n := eval[int](b, "axe.run().then(r => r.violations.length)"); n < 2 {
		t.Errorf("%d violations on a page with several", n)
	}
}
