package passphrase_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"totpctl/cmd/hint"
	"totpctl/cmd/passphrase"
)

func TestAFileHoldsAPassphraseInOneLine(t *testing.T) {
	longest := strings.Repeat("a", passphrase.MaxBytes)
	for text, want := range map[string]string{
		"correct horse":          "correct horse",
		" correct horse \n":      " correct horse ", // spaces count, as they do where it is typed
		"correct horse\r\n":      "correct horse",
		"пароль\n":               "пароль",
		longest + "\r\n":         longest,
		"":                       "",
		"\n":                     "",
		"two\nlines\n":           "",
		"blank line follows\n\n": "",
		"nul\x00":                "",
		longest + "a":            "",
		longest + longest:        "",
	} {
		file := filepath.Join(t.TempDir(), "passphrase")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := passphrase.FromFile(file)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.40q is read as %.40q, %v", text, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), file) || hint.Of(err) == "") {
			t.Errorf("%q does not name the file, or has no hint", err)
		}
	}
}

func TestAFileThatIsNotThereIsNamedOnce(t *testing.T) {
	_, err := passphrase.FromFile("nowhere")
	if err == nil || err.Error() != "reading the passphrase from nowhere: no such file or directory" {
		t.Error(err)
	}
}
