package browsertest

import (
	"encoding/base64"
	"testing"

	"totpctl/cmd/cmdtest"
	"totpctl/server/servertest"
)

// runTests builds the binary that sites of newServed run.
func runTests(m *testing.M) int { return cmdtest.Main(m) }

// serve puts the built binary in the server's place. It has the site's accounts, because
// the database is the same.
func (s *site) serve(o servertest.Options) {
	s.t.Helper()
	p := cmdtest.NewProgram(s.t, "sqlite:"+s.Path)
	p.Env = append(p.Env, "TOTP_BASE32_SECRET="+secret, "TOTP_PERIOD=30", "TOTP_DIGITS=6",
		"TOTP_ISSUER="+s.Entry.Issuer, "TOTP_ACCOUNT="+s.Entry.Account,
		"BEARER="+bearer, "ADMIN_BEARER="+adminBearer, "ENCRYPTION_KEY="+base64.StdEncoding.EncodeToString(s.EncryptionKeys[0]),
		"SELF_SERVICE=recovery", "LOG_FORMAT=json")
	if o.AdminAccount != "" {
		p.Env = append(p.Env, "ADMIN_ACCOUNT="+o.AdminAccount)
	}
	server, link := p.ServeOnTerminal()
	s.URL, s.served = server.URL, &served{link, server.Lines}
}
