package proxy

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// HeaderRequestID is the header that names a request, in both directions.
const HeaderRequestID = "X-Request-Id"

// maxRequestID is the most bytes of an id. Proxies make 20 to 64.
const maxRequestID = 128

// RequestID returns the id by which a trusted proxy names the request, or else a random one
// of 16 hexadecimal digits. A proxy's id has 1 to 128 bytes of printable ASCII without
// spaces.
func (t Trusted) RequestID(r *http.Request) string {
	if ids := r.Header[HeaderRequestID]; len(ids) == 1 && isRequestID(ids[0]) && t.trusts(r) {
		return ids[0]
	}
	var id [8]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

func isRequestID(id string) bool {
	return id != "" && len(id) <= maxRequestID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}
