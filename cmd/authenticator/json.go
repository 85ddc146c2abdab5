package authenticator

import (
	"encoding/json"
	"strings"
	"time"
)

// An object is one line of the JSON display. Times are RFC 3339 in UTC; period
// is in seconds. The code is good from valid_from until just before expires_at,
// give or take the verifier's skew. The step is T of RFC 6238 section 4.2, and next is
// the code of the step after it. Only a stored account has a name.
type object struct {
	Code      string `json:"code"`
	ValidFrom string `json:"valid_from"`
	ExpiresAt string `json:"expires_at"`
	Period    int64  `json:"period"`
	Issuer    string `json:"issuer"`
	Account   string `json:"account"`
	Step      int64  `json:"step"`
	Next      string `json:"next"`
	Name      string `json:"name,omitempty"`
	Default   bool   `json:"default,omitempty"`
}

func (c Config) object(r reading) string {
	var line strings.Builder
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	// Strings and a number into memory: there is nothing to fail.
	_ = e.Encode(object{
		Code:      r.code,
		ValidFrom: c.Entry.Key.Start(r.step).UTC().Format(time.RFC3339),
		ExpiresAt: c.Entry.Key.Start(r.step + 1).UTC().Format(time.RFC3339),
		Period:    c.seconds(),
		Issuer:    c.Entry.Issuer,
		Account:   c.Entry.Account,
		Step:      r.step,
		Next:      r.next,
		Name:      c.Name,
		Default:   c.isDefault,
	})
	return line.String()
}

func (c Config) seconds() int64 { return int64(c.Entry.Key.Period() / time.Second) }
