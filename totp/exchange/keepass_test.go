package exchange

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const keePassBin = "LdzazEhGQbOmFL1kG6jCCw=="

// keePassXML writes an entry of names and values.
func keePassXML(fields ...string) string {
	var b strings.Builder
	b.WriteString("<Entry><UUID>" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", 16))) + "</UUID><IconID>0</IconID><Times><Expires>False</Expires></Times>")
	for i := 0; i < len(fields); i += 2 {
		b.WriteString("<String><Key>")
		xml.EscapeText(&b, []byte(fields[i]))
		b.WriteString("</Key><Value ProtectInMemory=\"True\">")
		xml.EscapeText(&b, []byte(fields[i+1]))
		b.WriteString("</Value></String>")
	}
	b.WriteString("<AutoType><Enabled>True</Enabled></AutoType><History/></Entry>")
	return b.String()
}

func withHistory(entry string, old ...string) string {
	return strings.Replace(entry, "<History/>", "<History>"+strings.Join(old, "")+"</History>", 1)
}

func keePassFile(entries ...string) []byte {
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<KeePassFile>
	<Meta><Generator>KeePass</Generator><MemoryProtection><ProtectTitle>False</ProtectTitle></MemoryProtection><RecycleBinEnabled>True</RecycleBinEnabled><RecycleBinUUID>%s</RecycleBinUUID></Meta>
	<Root>
		<Group><UUID>cm9vdA==</UUID><Name>Root</Name>%s
			<Group><UUID>c3Vi</UUID><Name>Below</Name>%s</Group>
			<Group><UUID>%s</UUID><Name>Papierkorb</Name>%s<Group><UUID>eA==</UUID>%s</Group></Group>
			%s
		</Group>
		<DeletedObjects><DeletedObject><UUID>%s</UUID></DeletedObject></DeletedObjects>
	</Root>
</KeePassFile>
`, keePassBin, strings.Join(entries, "\n"),
		keePassXML("Title", "Below", "UserName", "b", "otp", testSecret),
		keePassBin, keePassXML("Title", "Gone", "UserName", "eve", "otp", testSecret), keePassXML("Title", "Gone below", "otp", testSecret),
		keePassXML("Title", "After the groups", "UserName", "a", "TOTP Seed", testSecret), keePassBin)
}

func keePassEntries() []string {
	const hex, b64 = "3132333435363738393031323334353637383930", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
	return []string{
		keePassXML("Title", "A & <B>", "UserName", "alice", "Password", "p", "otp", "otpauth://totp/KeePassXC:none?secret="+testSecret+"&period=60&digits=8&issuer=KeePassXC&algorithm=SHA256"),
		keePassXML("Title", "KeeOtp", "UserName", "bob", "otp", "key="+testSecret+"&step=45&size=8"),
		keePassXML("Title", "Tray", "UserName", "carol", "TOTP Seed", "gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "TOTP Settings", "60;8"),
		keePassXML("Title", "Tray Steam", "UserName", "gabe", "TOTP Seed", testSecret, "TOTP Settings", "30;S;https://example.com"),
		keePassXML("Title", "K2", "UserName", "utf8", "TimeOtp-Secret", "12345678901234567890"),
		keePassXML("Title", "K2", "UserName", "hex", "TimeOtp-Secret-Hex", hex, "TimeOtp-Algorithm", "HMAC-SHA-512"),
		keePassXML("Title", "K2", "UserName", "base32", "TimeOtp-Secret-Base32", testSecret, "TimeOtp-Length", "7", "TimeOtp-Period", "15"),
		keePassXML("Title", "K2", "UserName", "base64", "TimeOtp-Secret-Base64", b64, "TimeOtp-Algorithm", "HMAC-SHA-1"),
		keePassXML("Title", "No code", "UserName", "n"),
		keePassXML("Title", "Old", "UserName", "counter", "HmacOtp-Secret-Base32", testSecret, "HmacOtp-Counter", "3"),
		keePassXML("Title", "Old URI", "UserName", "counter", "otp", "otpauth://hotp/x?secret="+testSecret),
		keePassXML("Title", "Broken", "UserName", "dave", "otp", "key=1"),
		strings.Replace(keePassXML("Title", "Locked", "UserName", "lea", "otp", "c2VjcmV0"), `ProtectInMemory="True">c2`, `Protected="True">c2`, 1),
		withHistory(keePassXML("Title", "Changed", "UserName", "c", "otp", testSecret), keePassXML("otp", "otpauth://totp/x?secret=MFRGGZDF")),
		withHistory(keePassXML("Title", "No longer", "UserName", "c"), keePassXML("otp", testSecret)),
	}
}

func keePassFixtures() []fixture {
	const key = "?secret=" + testSecret
	f := fixture{
		file: "keepass.xml", format: "keepass", data: keePassFile(keePassEntries()...),
		accounts: []string{
			"otpauth://totp/A%20%26%20%3CB%3E:alice" + key + "&issuer=A%20%26%20%3CB%3E&algorithm=SHA256&digits=8&period=60",
			"otpauth://totp/KeeOtp:bob" + key + "&issuer=KeeOtp&digits=8&period=45",
			"otpauth://totp/Tray:carol" + key + "&issuer=Tray&digits=8&period=60",
			"otpauth://totp/Tray%20Steam:gabe" + key + "&issuer=Tray%20Steam&digits=5&encoder=steam",
			"otpauth://totp/K2:utf8" + key + "&issuer=K2",
			"otpauth://totp/K2:hex" + key + "&issuer=K2&algorithm=SHA512",
			"otpauth://totp/K2:base32" + key + "&issuer=K2&digits=7&period=15",
			"otpauth://totp/K2:base64" + key + "&issuer=K2",
			"otpauth://totp/Changed:c" + key + "&issuer=Changed",
			"otpauth://totp/Below:b" + key + "&issuer=Below",
			"otpauth://totp/After%20the%20groups:a" + key + "&issuer=After%20the%20groups",
		},
		leftOut: []string{"Old:counter", "Old URI:counter", "Broken:dave", "Locked:lea", "Gone:eve", "Gone below"},
	}
	csv := fixture{
		file: "keepassxc.csv", format: "keepassxc-csv",
		data: []byte(strings.ReplaceAll(`"Group","Title","Username","Password","URL","Notes","TOTP","Icon","Last Modified","Created"
"Root","GitHub","alice","p","","","otpauth://totp/GitHub:alice?secret=SECRET&period=60&digits=8&issuer=GitHub&algorithm=SHA256","0","2026-11-26T03:13:53Z","2026-11-26T03:13:52Z"
"Root","No code","carol","p","","two
lines","","0","2026-11-26T03:13:52Z","2026-11-26T03:13:52Z"
"Root/Sub","Steam","gabe","p","","","otpauth://totp/Steam:gabe?secret=SECRET&period=30&digits=5&issuer=Steam&encoder=steam","0","2026-11-26T03:13:52Z","2026-11-26T03:13:52Z"
"Root","Say ""q""","","p","","","otpauth://totp/Say%20%22q%22:none?secret=SECRET&period=30&digits=6&issuer=Say%20%22q%22","0","2026-11-26T03:13:52Z","2026-11-26T03:13:52Z"
"Root","Long","ten","p","","","otpauth://totp/Long:ten?secret=SECRET&period=30&digits=10&issuer=Long","0","2026-11-26T03:13:52Z","2026-11-26T03:13:52Z"
"Root/Recycle Bin","Gone","eve","p","","","otpauth://totp/Gone:eve?secret=SECRET&period=30&digits=6&issuer=Gone","0","2026-11-26T03:13:53Z","2026-11-26T03:13:52Z"
`, "SECRET", testSecret)),
		accounts: []string{
			"otpauth://totp/GitHub:alice" + key + "&issuer=GitHub&algorithm=SHA256&digits=8&period=60",
			"otpauth://totp/Steam:gabe" + key + "&issuer=Steam&digits=5&encoder=steam",
			"otpauth://totp/Say%20%22q%22" + key,
		},
		leftOut: []string{"Long:ten", "Gone:eve"},
	}
	return []fixture{f, csv}
}

func TestASecretInTheHistoryOfAnEntryIsANote(t *testing.T) {
	c, err := Read(keePassFile(keePassEntries()...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Accounts {
		if noted := strings.Contains(strings.Join(a.Notes, ";"), "history"); noted != (a.Entry.Issuer == "Changed") {
			t.Errorf("%v: %q", a.Entry, a.Notes)
		}
	}
}

func TestHostileXMLIsNoFile(t *testing.T) {
	bomb := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "` + strings.Repeat("a", 1000) + `"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	entry := keePassXML("Title", "a", "otp", testSecret)
	for name, data := range map[string]string{
		"an entity":      bomb + "<KeePassFile><Root><Group>" + strings.Replace(entry, "<Value", "<Value>&b;</Value><Value", 1) + "</Group></Root></KeePassFile>",
		"a file's":       `<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><KeePassFile><Root>&a;</Root></KeePassFile>`,
		"nested groups":  "<KeePassFile><Root>" + strings.Repeat("<Group>", 1<<15),
		"nested others":  "<KeePassFile><Other>" + strings.Repeat("<a>", 1<<15),
		"nested entries": "<KeePassFile><Root><Group>" + strings.Repeat("<Entry><History>", 1<<15),
		"a broken tag":   "<KeePassFile><Root><Group>" + entry + "</Root></KeePassFile>",
		"an open end":    "<KeePassFile><Root><Group>" + entry + "</Group></Root>",
		"another code":   `<?xml version="1.0" encoding="utf-16"?><KeePassFile></KeePassFile>`,
	} {
		if c, err := Read([]byte(data), Options{Format: "keepass"}); !errors.Is(err, ErrDamaged) || len(c.Accounts) > 0 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func FuzzKeePass(f *testing.F)    { fuzzRead(f, "keepass") }
func FuzzKeePassCSV(f *testing.F) { fuzzRead(f, "keepassxc-csv") }

func TestGroupsThatAreNestedTooDeepAreRefused(t *testing.T) {
	nested := func(n int) []byte {
		return []byte("<KeePassFile><Root>" + strings.Repeat("<Group>", n) +
			"<Entry><String><Key>otp</Key><Value>" + testSecret + "</Value></String></Entry>" + strings.Repeat("</Group>", n) + "</Root></KeePassFile>")
	}
	if c, err := Read(nested(maxGroups), Options{}); err != nil || len(c.Accounts) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Read(nested(maxGroups+1), Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}

func TestTheNameOfWhatIsLeftOutHasNoControls(t *testing.T) {
	for name, file := range map[string]string{
		"xx":  `{"version":1,"entries":[{"content":{"uri":"foo://x","name":"\u001bx\u009bx\u202e"}}]}`,
		"bob": "HOTP/T30 b\x1bo\u202eb - zz\n",
	} {
		c, err := Read([]byte(file), Options{})
		if err != nil || len(c.LeftOut) != 1 || c.LeftOut[0].Name != name {
			t.Errorf("%q: %+v, %v", file, c, err)
		}
	}
}
