package sqlstore

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// rootCertificate is of nobody.
const rootCertificate = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUS2yjXDPNLAhlVeAOOgziqpLp9JMwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyNTIzMjQzMVoYDzIxMjYxMTAxMjMy
NDMxWjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATTiZ1awSz0/Lmjcx4sGIHmjo7vr2Ztb3wf8utvGKLowJ0EiudSXiIZGCghYAZ2
rqe/bZrtPSv/Voby+oOVKh+bo1MwUTAdBgNVHQ4EFgQUOibDf5ECaiSMJr+88co1
08gykGowHwYDVR0jBBgwFoAUOibDf5ECaiSMJr+88co108gykGowDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAw/e1NagSEV41d6kCnZZ0Fq2S4/pP
AQmOnqyRVyVjHvACIDJWzR+jeXXf452/mNf1km/tPlrrZECCKeHM1Te+skaQ
-----END CERTIFICATE-----
`

func TestOnlyVerifiedTLSLoopbackAndSocketsAreSafe(t *testing.T) {
	t.Setenv("HOME", t.TempDir()) // no root.crt of the user's
	root := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(root, []byte(rootCertificate), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		url, sslmode, host string // the last two are PGSSLMODE and PGHOST
		want               []string
	}{
		{"postgres://u:p@db/x", "", "", []string{"db"}},
		{"postgres://u:p@db/x?sslmode=disable", "", "", []string{"db"}},
		{"postgres://u:p@db/x?sslmode=allow", "", "", []string{"db"}},
		{"postgres://u:p@db/x?sslmode=prefer", "", "", []string{"db"}},
		{"postgres://u:p@db/x?sslmode=require", "", "", []string{"db"}},
		{"postgres://u:p@db/x?sslmode=verify-ca", "", "", []string{"db"}},
		{"postgres://u:p@db/x?sslmode=verify-full", "", "", nil},
		{"postgres://u:p@db/x?sslrootcert=system", "", "", nil},
		{"postgres://u:p@db/x?sslmode=verify-ca&sslrootcert=" + root, "", "", nil},
		{"postgres://u:p@db/x?sslmode=require&sslrootcert=" + root, "", "", nil},
		{"postgres://u:p@db/x?sslmode=prefer&sslrootcert=" + root, "", "", []string{"db"}},
		{"postgres://u:p@db/x", "verify-full", "", nil},
		{"postgres://u:p@db/x?sslmode=disable", "verify-full", "", []string{"db"}},
		{"postgres://u:p@db1,127.0.0.1,db2:5433/x?sslmode=require", "", "", []string{"db1", "db2"}},
		{"postgres://u:p@localhost,127.8.8.8,[::1]/x", "", "", nil},
		{"postgres://u:p@192.0.2.1/x", "", "", []string{"192.0.2.1"}},
		{"postgres:///x?host=/var/run/postgresql", "", "", nil},
		{"postgres:///x?host=/var/run/postgresql,db", "", "", []string{"db"}},
		{"postgres://u:p@localhost/x?host=db", "", "", []string{"db"}},
		{"postgres:///x", "", "db", []string{"db"}},
		{"postgres:///x", "", "/var/run/postgresql", nil},
	} {
		t.Setenv("PGSSLMODE", c.sslmode)
		t.Setenv("PGHOST", c.host)
		config, _, err := postgresConfig(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if got := unverifiedHosts(config); !slices.Equal(got, c.want) {
			t.Errorf("%s with PGSSLMODE=%s and PGHOST=%s: unverified are %q, want %q", c.url, c.sslmode, c.host, got, c.want)
		}
	}
}
