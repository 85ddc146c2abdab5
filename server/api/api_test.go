package api_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"totpctl/server/api"
	"totpctl/totp/verifier"
)

// reasons are all that a verifier gives.
var reasons = []verifier.Reason{verifier.ReasonInvalid, verifier.ReasonReplayed, verifier.ReasonMalformed, verifier.ReasonThrottled, verifier.ReasonPending, verifier.ReasonStopped, verifier.ReasonDisabled}

func TestEveryVerdictIsReadAsItWasWritten(t *testing.T) {
	verdicts := []verifier.Verdict{{Valid: true, SkewSteps: -1, Failures: 2}, {Valid: true, Recovery: true, RecoveryLeft: 9}, {Valid: true, Repeated: true}}
	waits := map[verifier.Reason]time.Duration{verifier.ReasonThrottled: 1500 * time.Millisecond, verifier.ReasonInvalid: 1500 * time.Millisecond}
	for _, reason := range reasons {
		verdicts = append(verdicts, verifier.Verdict{Reason: reason, RetryAfter: waits[reason]})
	}
	for _, v := range verdicts {
		for _, codes := range [][]string{nil, {"A", "B"}} {
			written, err := json.Marshal(api.VerdictOf(v, codes))
			if err != nil {
				t.Fatal(err)
			}
			read, err := api.ParseVerdict(written)
			if again, _ := json.Marshal(read); err != nil || string(again) != string(written) {
				t.Errorf("%s is read as %s, %v", written, again, err)
			}
			if seconds := api.Seconds(waits[v.Reason]); read.RetryAfter != seconds {
				t.Errorf("%s: retry after %d s, want %d", written, read.RetryAfter, seconds)
			}
		}
	}
}

func TestEveryReasonHasItsWords(t *testing.T) {
	clauses := map[string]bool{}
	for _, reason := range reasons {
		clause := api.Verdict{Reason: reason}.Clause()
		if clause == string(reason) || strings.Contains(clause, "%!") {
			t.Errorf("%s: %q", reason, clause)
		}
		clauses[clause] = true
	}
	if len(clauses) != len(reasons) {
		t.Error("two reasons have the same words")
	}
	for got, want := range map[string]string{
		api.Verdict{}.Clause():                                                  "wrong code",
		api.Verdict{Reason: "locked_out"}.Clause():                              "locked_out",
		api.Verdict{Reason: verifier.ReasonThrottled, RetryAfter: 150}.Clause(): "too many wrong codes, wait 150 s",
		api.Verdict{Reason: verifier.ReasonInvalid, RetryAfter: 30}.Clause():    "wrong code; wait 30 s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLoopbackIsThisMachineByAddressOrName(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "app.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "notlocalhost": false, "0.0.0.0": false, "128.0.0.1": false, "fe80::1": false, "totp.example.com": false,
	} {
		if got := api.Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %t", host, got)
		}
	}
}

func TestMembersRefusesWhatTwoReadersMayReadDifferently(t *testing.T) {
	for text, repeated := range map[string]bool{
		`{"a":1,"a":2}`: true, `{"a":1,"\u0061":2}`: true, `{"a":{"b":1,"b":2}}`: true,
		``: false, `{`: false, `[]`: false, `null`: false, `{}{}`: false, `{} x`: false, `{"a":1,}`: false, `{a:1}`: false, "{\"\xff\":1}": false,
		"{\"a\":\"\xff\"}": false, `{"a":"\ud800"}`: false, "\xef\xbb\xbf{}": false,
	} {
		if members, err := api.Members([]byte(text)); err == nil || (err == api.ErrRepeated) != repeated || strings.Contains(err.Error(), text) && text != "" {
			t.Errorf("%s has the members %v, %v", text, members, err)
		}
	}
	members, err := api.Members([]byte(` {"A":1, "a":"\u00e4\n"} ` + "\n"))
	if text, ok := api.Text(members["a"]); err != nil || len(members) != 2 || text != "ä\n" || !ok {
		t.Errorf("%v, %v", members, err)
	}
	for _, value := range []string{`{"a":1}`, `{"a":null}`, `{}`} {
		members, err := api.Members([]byte(value))
		if _, ok := api.Text(members["a"]); ok || err != nil {
			t.Errorf("%s has a text, %v", value, err)
		}
	}
}

func TestALinkIsGivenOnlyIfItsPageCannotBeOverheard(t *testing.T) {
	for public, want := range map[string]string{
		"https://totp.example.com/second/": "https://totp.example.com/second/enrol/TOKEN", "http://LOCALHOST:5000": "http://LOCALHOST:5000/enrol/TOKEN",
		"http://[::1]:5000": "http://[::1]:5000/enrol/TOKEN", "http://totp.example.com": "", "http://192.168.1.7:5000": "",
	} {
		u, err := url.Parse(public)
		if err != nil {
			t.Fatal(err)
		}
		if got := api.EnrolmentOf(verifier.Enrolment{Token: "TOKEN"}, u).EnrolURL; got != want {
			t.Errorf("reached at %s: link %q, want %q", public, got, want)
		}
	}
}

func TestAServersAddressIsAURLOfAHost(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:5000", "https://totp.example.com/", "HTTPS://host/totp/", "http://[::1]:5000/a%2Fb"} {
		if _, err := api.ParseURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "127.0.0.1:5000", "http://:5000", "http:///x", "ftp://host", "http://user:hunter2@host", "https://host?", "https://host?q=hunter2", "https://host#",
		"http://user:hunter2/x@host", "http://host:port", "http://ho st"} {
		if u, err := api.ParseURL(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s is %v, %v", bad, u, err)
		}
	}
}

func TestABearerIsWhatAHeaderAndAListCanHold(t *testing.T) {
	if text, err := api.ParseBearer("!~A-Za-z0-9"); text != "!~A-Za-z0-9" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	for _, bad := range []string{"", " ", "two words", "hunter2,", "hunter2\r\nX: y", "hunter2\x00", "hunter2\x7f", "hunter2\u00a0", "größe", "\xff"} {
		if _, err := api.ParseBearer(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
