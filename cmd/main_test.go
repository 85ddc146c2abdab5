//go:build linux

package cmd_test

import (
	"io"
	"net/http"
	"os"
	"testing"

	"totpctl/cmd/cmdtest"
)

func TestMain(m *testing.M) { os.Exit(cmdtest.Main(m)) }

// answerOf sends a request and returns the status and the text of the answer.
func answerOf(t *testing.T, send func(*http.Request) (*http.Response, error), req *http.Request) (int, string) {
	t.Helper()
	resp, err := send(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
