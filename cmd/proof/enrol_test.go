//go:build linux

package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"totpctl/cmd/cmdtest"
	"totpctl/totp"
	"totpctl/totp/sqlstore"
	"totpctl/totp/verifier"
)

// An answer is what a client has learnt. Without a verdict, reached tells
// whether the server may have acted all the same.
type answer struct {
	status   int // 0 if no answer came
	Status   bool
	Reason   string
	Failures int
	reached  bool
}

// hasty gives up on a server that is paused; patient waits
// for every answer that comes at all.
var (
	hasty   = newClient(2 * time.Second)
	patient = newClient(time.Minute)
)

func newClient(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// check offers a code for an account, "" for the default one, under an
// Idempotency-Key unless that is "".
func check(client *http.Client, url, account, code, idempotencyKey string) answer {
	body := map[string]string{"code": code}
	if account != "" {
		body["account"] = account
	}
	text, _ := json.Marshal(body)
	request, err := http.NewRequest("POST", url+"/check", bytes.NewReader(text))
	if err != nil {
		return answer{}
	}
	request.Header.Set("Authorization", "Bearer "+cmdtest.Bearer)
	if idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", idempotencyKey)
	}
	response, err := client.Do(request)
	if err != nil {
		dial, ok := errors.AsType[*net.OpError](err)
		return answer{reached: !ok || dial.Op != "dial"}
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, reached: true}
	if json.NewDecoder(response.Body).Decode(&a) != nil {
		return answer{reached: true} // it broke off
	}
	return a
}

// enrol adds and confirms accounts. The clock of their confirmation is
// long ago, so that the codes of now are not used up by it.
func enrol(t *testing.T, databaseURL string, n int) []totp.Entry {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{URL: databaseURL, EncryptionKeys: [][]byte{cmdtest.EncryptionKey()}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	past := func() time.Time { return time.Now().Add(-100 * cmdtest.Period) }
	v, err := verifier.New(verifier.Config{Store: store, Clock: past,
		New: cmdtest.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	keys := make([]totp.Entry, n)
	var all sync.WaitGroup
	for worker := range 64 {
		all.Go(func() {
			for i := worker; i < n; i += 64 {
				keys[i] = enrolOne(t, v, fmt.Sprintf("account %d", i))
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return keys
}

func enrolOne(t *testing.T, v *verifier.Verifier, name string) totp.Entry {
	e, err := v.Add(t.Context(), name)
	if err != nil {
		t.Error(err)
		return totp.Entry{}
	}
	code, _ := e.Entry.Key.Code(time.Now().Add(-100 * cmdtest.Period))
	verdict, _, err := v.Confirm(t.Context(), name, code, verifier.RequestID{})
	if err != nil || !verdict.Valid {
		t.Errorf("confirming %s: %+v, %v", name, verdict, err)
	}
	return e.Entry
}
