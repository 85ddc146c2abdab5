package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"totpctl/totp/sqlstore"
)

func TestAnAddressIsBeyondThisMachineUnlessItIsLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:5000": false, "127.9.9.9:5000": false, "[::1]:5000": false, "localhost:5000": false, "[::ffff:127.0.0.1]:5000": false, "unix:/run/totpctl.sock": false,
		"0.0.0.0:5000": true, "[::]:5000": true, ":5000": true, "192.0.2.1:5000": true, "totp.example.com:5000": true,
	} {
		if got := beyond(addr); got != want {
			t.Errorf("%s: %t, want %t", addr, got, want)
		}
	}
}

func TestACertificateIsToldOfBeforeItEnds(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, v := range []struct {
		begin, end time.Duration // from now
		want       Level
	}{
		{-time.Hour, renewal + time.Hour, OK},
		{-time.Hour, renewal - time.Hour, Warning},
		{-time.Hour, time.Second, Warning},
		{-time.Hour, 0, Fault},
		{-time.Hour, -time.Second, Fault},
		{time.Second, renewal + time.Hour, Fault},
	} {
		if got := lasts(&x509.Certificate{NotBefore: now.Add(v.begin), NotAfter: now.Add(v.end)}, now); got.Level != v.want || got.Level != OK && got.Way == "" {
			t.Errorf("from %v to %v: %+v, want %s", v.begin, v.end, got, v.want)
		}
	}
}

func TestADiskIsToldOfBeforeItIsFull(t *testing.T) {
	const gib = 1 << 30
	disk := fileSystem{durable: true, local: true}
	for _, v := range []struct {
		free, size uint64
		want       Level
	}{
		{50 * gib, 100 * gib, OK},
		{5*gib + 1, 100 * gib, OK},
		{5*gib - 1, 100 * gib, Warning},
		{minFree, 2 * minFree, OK},
		{minFree - 1, 2 * minFree, Warning},
		{0, 100 * gib, Fault},
		{0, 0, OK}, // it does not tell
	} {
		disk.free, disk.size = v.free, v.size
		if got := diskFindings("/srv", disk); worst(got) != v.want {
			t.Errorf("%d of %d bytes are free: %+v, want %s", v.free, v.size, got, v.want)
		}
	}
}

func TestANetworkFileSystemIsToldOf(t *testing.T) {
	if got := diskFindings("/srv", fileSystem{name: "NFS", durable: true, free: 1 << 40, size: 1 << 40}); worst(got) != Warning || !strings.Contains(got[0].What, "NFS") {
		t.Errorf("it finds %+v", got)
	}
	if got := diskFindings("/srv", fileSystem{name: "tmpfs", local: true, free: 1 << 40, size: 1 << 40}); worst(got) != Fault {
		t.Errorf("of one in memory it finds %+v", got)
	}
}

func TestAClockIsToldOfWhenItMattersToCodes(t *testing.T) {
	p := &patient{Config: Config{Unread: errors.New("no configuration")}}
	for offset, want := range map[time.Duration]Level{
		0: OK, 3 * time.Second: OK, -3 * time.Second: OK, 5 * time.Second: Warning, -15 * time.Second: Warning, 16 * time.Second: Fault, -time.Hour: Fault,
	} {
		if got := p.offset(offset, "host"); got.Level != want {
			t.Errorf("%v: %+v, want %s", offset, got, want)
		}
	}
}

func TestWhatAnExaminationHasFoundIsTold(t *testing.T) {
	base := sqlstore.Examination{Version: 4, Newest: 4}
	for what, v := range map[string]struct {
		change func(*sqlstore.Examination)
		err    error
		want   Level
	}{
		"accounts: 0, none damaged":                           {func(e *sqlstore.Examination) {}, nil, OK},
		"the first 7 accounts":                                {func(e *sqlstore.Examination) { e.Examined, e.Rest = 7, true }, nil, OK},
		"is a superuser":                                      {func(e *sqlstore.Examination) { e.Super = true }, nil, Warning},
		"UPDATE on account":                                   {func(e *sqlstore.Examination) { e.Rights = []string{"UPDATE on account"} }, nil, Fault},
		"synchronous_commit is off":                           {func(e *sqlstore.Examination) { e.Settings = []string{"synchronous_commit is off"} }, nil, Warning},
		"page 7 is never used; page 8":                        {func(e *sqlstore.Examination) { e.Broken = []string{"page 7 is never used", "page 8\nx"} }, nil, Fault},
		"upgrades them to 4":                                  {func(e *sqlstore.Examination) { e.Version = 3 }, nil, Warning},
		`damaged accounts: 12 (the default one, "a\x1bb", …)`: {func(e *sqlstore.Examination) { e.DamagedN, e.Damaged = 12, []string{"", "a\x1bb"} }, nil, Fault},
		"takes longer than 30s":                               {func(e *sqlstore.Examination) {}, fmt.Errorf("x: %w", context.DeadlineExceeded), Warning},
		"there is no database":                                {func(e *sqlstore.Examination) {}, sqlstore.ErrMissing, Warning},
		"is newer than this program":                          {func(e *sqlstore.Examination) {}, sqlstore.ErrNewer, Fault},
		"examining the database: a b":                         {func(e *sqlstore.Examination) {}, errors.New("a\n\tb"), Fault},
	} {
		e := base
		v.change(&e)
		got := examined(e, v.err)
		if worst(got) != v.want || !slices.ContainsFunc(got, func(f Finding) bool { return strings.Contains(f.What, what) }) {
			t.Errorf("%s: it finds %+v, want %s", what, got, v.want)
		}
	}
}

// worst returns the worst level of the findings.
func worst(all []Finding) Level {
	for _, level := range []Level{Fault, Warning} {
		if Count(all, level) > 0 {
			return level
		}
	}
	return OK
}
