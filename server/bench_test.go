package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkThrottled is what totpctl itself adds to net/http's work on a check
// that is refused.
func BenchmarkThrottled(b *testing.B) {
	f := newFixture(b)
	for range 3 {
		f.do("GET", "/check/"+f.WrongCode(), checkBearer, "")
	}
	r := httptest.NewRequest("GET", "/check/000000", nil)
	r.Header.Set("Authorization", "Bearer "+checkBearer)
	b.ReportAllocs()
	for b.Loop() {
		f.Server.Server.ServeHTTP(&discard{http.Header{}}, r)
	}
}
