package cmd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"totpctl/cmd/hint"
	"totpctl/totp"
)

func TestReadingACodeEndsAtNewlineNULOrEOF(t *testing.T) {
	long := strings.Repeat("1", maxCode)
	for in, want := range map[string]string{
		"123456":            "123456",
		"123456\n":          "123456",
		"123456\r\n":        "123456",
		"123456\x00":        "123456",
		"123456\n654321\n":  "123456",
		"123456\x00654321":  "123456",
		" 123 456 \n":       " 123 456 ",
		"123\r456\n":        "123\r456",
		"12\xff\n":          "12\xff",
		long:                long,
		long + "\n" + long:  long,
		long + "\x00" + "1": long,
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(in), "bytewise": iotest.OneByteReader(strings.NewReader(in)), "with EOF": iotest.DataErrReader(strings.NewReader(in))} {
			if got, err := readLine(r); err != nil || got != want {
				t.Errorf("readLine(%q) %s = %q, %v; want %q", in, name, got, err, want)
			}
		}
	}
}

func TestReadingACodeRefusesWhatIsNoLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "line is empty",
		"\n123456":                        "line is empty",
		"\x00":                            "line is empty",
		"\r\n":                            "line is empty",
		strings.Repeat("1", maxCode+1):    "longer than 256 bytes",
		strings.Repeat("1", 1<<20) + "\n": "longer than 256 bytes",
	} {
		got, err := readLine(strings.NewReader(in))
		if got != "" || err == nil || !strings.Contains(err.Error(), want) || hint.Of(err) == "" {
			t.Errorf("readLine(%.20q) = %q, %v; want error %q", in, got, err, want)
		}
	}
	broken := errors.New("input/output error")
	got, err := readLine(io.MultiReader(strings.NewReader("123456"), iotest.ErrReader(broken)))
	if got != "" || !errors.Is(err, broken) {
		t.Errorf("a failing reader gave %q, %v", got, err)
	}
}

// A pipe that stays open: what waits for its end hangs here.
func TestReadingACodeNeitherWaitsForNorTakesWhatFollows(t *testing.T) {
	for _, end := range []string{"\n", "\x00"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, "123456"+end+"next")
		if got, err := readLine(r); got != "123456" || err != nil {
			t.Errorf("readLine = %q, %v", got, err)
		}
		w.Close()
		if rest, _ := io.ReadAll(r); string(rest) != "next" {
			t.Errorf("%q is left for the next reader, want next", rest)
		}
		r.Close()
	}
}

func FuzzReadLine(f *testing.F) {
	for _, s := range []string{"", "1\n", "123 456\r\n", "\x00", "1\r\x002", strings.Repeat("9", 300)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		got, err := readLine(r)
		read := in[:len(in)-r.Len()]
		if len(read) > maxCode+1 {
			t.Fatalf("read %d bytes", len(read))
		}
		if err != nil {
			return
		}
		line := strings.TrimSuffix(strings.TrimRight(string(read), "\n\x00"), "\r")
		if got == "" || got != line || strings.ContainsAny(got, "\n\x00") {
			t.Fatalf("readLine(%q) = %q", in, got)
		}
		if tidy := totp.TidyCode(got); tidy != got && strings.Trim(tidy, "0123456789") != "" {
			t.Fatalf("totp.TidyCode(%q) = %q", got, tidy)
		}
	})
}
