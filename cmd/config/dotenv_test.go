package config

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"totpctl/cmd/hint"
)

func TestADotenvValueIsWhatStandsThere(t *testing.T) {
	for _, v := range []struct{ text, want string }{
		// A $ is a character.
		{`BEARER=k$E0VX9_REST`, `k$E0VX9_REST`}, {`BEARER=pa$Word1`, `pa$Word1`}, {`BEARER=My$HOME Corp`, `My$HOME Corp`},
		{`BEARER=$`, `$`}, {`BEARER=a$(id)b`, `a$(id)b`}, {`BEARER=a\$B`, `a\$B`}, {`BEARER=${unended`, `${unended`},
		{`BEARER="k$E0VX9_REST"`, `k$E0VX9_REST`}, {`BEARER="a\$B"`, `a$B`}, {`BEARER="\${NAME}"`, `${NAME}`},
		{`BEARER='k$E0VX9_REST'`, `k$E0VX9_REST`}, {`BEARER='${NAME}'`, `${NAME}`}, {`BEARER='a\$B'`, `a\$B`},

		// Quotes and backslashes.
		{`BEARER='"'`, `"`}, {`BEARER='a\'`, `a\`}, {`BEARER='a\nb'`, `a\nb`}, {`BEARER='a\\b'`, `a\\b`}, {`BEARER=''`, ``},
		{`BEARER="\""`, `"`}, {`BEARER="\\"`, `\`}, {`BEARER="a\\nb"`, `a\nb`}, {`BEARER="a\nb"`, "a\nb"}, {`BEARER="it's"`, `it's`}, {`BEARER=""`, ``},
		{`BEARER="a\db"`, `a\db`}, {`BEARER="a\tb"`, `a\tb`}, {`BEARER=a\nb`, `a\nb`}, {`BEARER=a"b"`, `a"b"`}, {`BEARER=it's`, `it's`}, {`BEARER=a\`, `a\`},

		// A byte order mark, and the lines of other systems.
		{"\ufeffBEARER=a", "a"}, {"\ufeff# comment\nBEARER=a", "a"}, {"BEARER=a\r\n", "a"}, {"\r\nBEARER='a'\r\n\r\n", "a"}, {"BEARER=\"a\"\r\n", "a"},
		{"BEARER='a\r\nb'\r\n", "a\nb"}, {"BEARER=a\u00a0", "a\u00a0"}, {"BEARER=a\xff", "a\xff"},
		{"OTHER=\"${HOME}/x\"\nBEARER=a", "a"}, // another program's
	} {
		values, _, err := parseEnv("file", []byte(v.text))
		if err != nil || values["BEARER"] != v.want {
			t.Errorf("%q is read as %q, %v, want %q", v.text, values, err, v.want)
		}
	}
}

func TestWhatADotenvCannotSayIsAnErrorWithItsLine(t *testing.T) {
	const secret = "tell-nobody"
	for _, v := range []struct{ text, line string }{
		{"A=1\nBEARER=tell-nobody${NAME}\n", "line 2"}, {"\n#\n\nBEARER=\"tell-nobody${NAME}\"", "line 4"}, {`BEARER=${tell-nobody}`, "line 1"},
		{`BEARER="\\${tell-nobody}"`, "line 1"}, {`BEARER_FILE=${tell-nobody}`, "line 1"}, {`export BEARER=${tell-nobody:-x}`, "line 1"},
		{"A='x\ny'\nBEARER=tell-nobody${A}", "line 3"},
		{"A=1\nBEARER tell-nobody", "line 2"}, {"BEARER", "line 1"}, {"=tell-nobody", "line 1"}, {"A=1\r\nBEARER: tell-nobody\r\n", "line 2"},
		{`BEARER='tell-nobody`, "line 1"}, {"A=1\nBEARER=\"tell-nobody\nB=2\n", "line 2"}, {`BEARER="tell-nobody\"`, "line 1"}, {`BEARER='it's tell-nobody'`, "line 1"},
		{`BEARER="tell"-nobody`, "line 1"}, {`BEARER='tell'-nobody`, "line 1"}, {"BEARER='tell' # it's\nnobody", "line 2"},
		{"A=1\nBEARER=tell\x00-nobody", "line 2"}, {"A=1\nBEARER='tell\r-nobody'", "line 2"}, {"BEARER=tell-\rnobody=1", "line 1"},
		{"\xff\xfeB\x00=\x00t\x00", "line 1"},
	} {
		values, _, err := parseEnv("file", []byte(v.text))
		if err == nil || !strings.Contains(err.Error(), v.line+" ") || strings.Contains(err.Error(), secret) {
			t.Errorf("%q is read as %q, %v, want an error with %s and without the value", v.text, values, err, v.line)
		}
	}
	_, _, err := parseEnv("file", []byte(`BEARER=${NAME}`))
	if !strings.Contains(hint.Of(err), "single quotes") {
		t.Errorf("%v has no hint at single quotes", err)
	}
}

// TestADotenvIsReadAsThePrototypeReadsIt asks Debian's python-dotenv.
func TestADotenvIsReadAsThePrototypeReadsIt(t *testing.T) {
	texts := []string{
		"A=b", "A=b ", "A=\tb\t", "A = b", "A =b", "  A=b", "export A=b", "export\t A=b", "export=b", "exportA=b", "A=b=c", "A==b", "A=", "A= ", "A=b  c",
		"A=b #c", "A=b\t#c", "A=b# c", "A=#b", "A= #b", "A=b # c # d", "A='b' # c", "A='b'#c", "A=\"b\" # \"c\"", "A='b'  ", "A= 'b'", "A='b # c'", "A=\"b # c\"",
		"A=b\r\n", "A='b'\r\nB=c\r\n", "A=1\nA=2", "# c\n\n \t\nA=b\n# A=c", "#A=b", "A='b\nc'\nB=d", "A=\"b\nc\"\nB=d", "A-B=c", "A.B=c", "A=it's", "A=b\"c\"", "A=b\\", "A=\"a\\db\"",
		"A=\"b\\\"c\"", "A=\"b\\\\\"", "A=\"b\\nc\"", "A=$B", "A=a$b$", "A='$B'", "A=\"$B\"", "é=b",
	}
	const script = `import io, json, sys, dotenv
read = lambda text: dotenv.dotenv_values(stream=io.StringIO(text, newline=None))
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)`
	python := exec.Command("/usr/bin/python3", "-c", script)
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	python.Stdin = strings.NewReader(string(in))
	out, err := python.Output()
	if err != nil {
		t.Fatalf("python-dotenv: %v", err)
	}
	var want []map[string]string
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		got, _, err := parseEnv("file", []byte(text))
		if a, b := asJSON(got), asJSON(want[i]); err != nil || a != b {
			t.Errorf("%q is read as %s, %v, by the prototype as %s", text, a, err, b)
		}
	}
}

func asJSON(values map[string]string) string {
	text, _ := json.Marshal(values)
	return string(text)
}

// TestWhatOlderInitsWroteIsReadBack has lines of the init that wrote for godotenv.
func TestWhatOlderInitsWroteIsReadBack(t *testing.T) {
	for line, want := range map[string]string{
		`"A \$HOME \${x} \"q\" #h \\n \\b = it's"`: `A $HOME ${x} "q" #h \n \b = it's`, "\"o'neil \\`id\\` 100% é√ 👩‍💻\"": "o'neil `id` 100% é√ 👩‍💻",
		`"0123"`: `0123`, `"'"`: `'`, `'"'`: `"`, `"export A=b"`: `export A=b`, `"#"`: `#`, `'"ACME"'`: `"ACME"`, `domain\`: `domain\`, `'${x}"'`: `${x}"`,
		`'x\$y"'`: `x\$y"`, `a"b\`: `a"b\`, `\`: `\`, `\\`: `\\`, `"'a'"`: `'a'`, `it's"`: `it's"`, `'\n"'`: `\n"`, `'a\\b"'`: `a\\b"`, `"My\$HOME Corp"`: `My$HOME Corp`,
	} {
		values, _, err := parseEnv("file", []byte("# Written by totpctl init.\nTOTP_ISSUER="+line+"\nBEARER=\"x\"\n"))
		if err != nil || values["TOTP_ISSUER"] != want || values["BEARER"] != "x" {
			t.Errorf("%s is read as %q, %v, want %q", line, values, err, want)
		}
	}
}

var dotenvSeeds = []string{"", "a", "k$E0VX9", "${NAME}", "$", `\`, `"`, `'`, "`", "#", " #", "a #b", "\n", `\n`, `\\n`, `"a"`, `'a'`, "a\nB=c", "=", "export A=b", "\ufeff", "\u00a0", "é", "\xff", "\x00", "\r", `\"`, `\$`, `a\`, "${", "}"}

func TestADotenvNeverShortensAValue(t *testing.T) {
	for _, a := range dotenvSeeds {
		for _, b := range dotenvSeeds {
			for _, c := range dotenvSeeds {
				neverShorter(t, a+b+c)
			}
		}
	}
}

func FuzzADotenvNeverShortensAValue(f *testing.F) {
	for _, v := range dotenvSeeds {
		f.Add(v)
	}
	f.Fuzz(neverShorter)
}

// neverShorter writes a value as init and as people do. It leaves out what ends
// a value by itself: its own quote, a comment, a space at an end.
func neverShorter(t *testing.T, value string) {
	plain := !strings.ContainsAny(value, "\x00\r")
	literal := plain && !strings.Contains(value, "${")
	lines := strings.ReplaceAll(value, "\r\n", "\n")
	comesBack(t, Line("BEARER", value), value, plain)
	if !strings.Contains(value, "'") {
		comesBack(t, "BEARER='"+value+"'", lines, plain)
	}
	if !strings.ContainsAny(value, "\\\"") {
		comesBack(t, `BEARER="`+value+`"`, lines, literal)
	}
	commented := strings.Contains(value, " #") || strings.Contains(value, "\t#")
	if strings.Trim(value, " \t\r\n") == value && !commented && !strings.Contains(value, "\n") && strings.IndexAny(value, `'"`) != 0 {
		comesBack(t, "BEARER="+value, value, literal)
	}
}

// comesBack wants the value, and the line after it, or an error with a line
// unless it must come back.
func comesBack(t *testing.T, text, value string, must bool) {
	t.Helper()
	values, _, err := parseEnv("file", []byte(strings.TrimSuffix(text, "\n")+"\nLAST=1\n"))
	if err != nil && (must || !strings.Contains(err.Error(), "line ")) {
		t.Errorf("%q: %v", text, err)
	}
	if err == nil && (values["BEARER"] != value || values["LAST"] != "1" || len(values) != 2) {
		t.Errorf("%q is read as %q", text, values)
	}
}
