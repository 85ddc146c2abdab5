package server_test

import (
	"sync"
	"testing"
)

func (f *fixture) wantBearer(t *testing.T, bearer string, check, admin int) {
	t.Helper()
	if got := f.do("GET", "/check/abc", bearer, "").status; got != check {
		t.Errorf("checking with %q is %d, want %d", bearer, got, check)
	}
	if got := f.do("GET", "/accounts", bearer, "").status; got != admin {
		t.Errorf("listing accounts with %q is %d, want %d", bearer, got, admin)
	}
}

func TestNewBearersAreGoodFromThenOnAndOldOnesAreNot(t *testing.T) {
	f := newFixture(t)
	if err := f.SetBearers([]string{"new-check", checkBearer}, []string{"new-admin", "newer-admin"}); err != nil {
		t.Fatal(err)
	}
	f.wantBearer(t, checkBearer, 200, 403)
	f.wantBearer(t, "new-check", 200, 403)
	f.wantBearer(t, "new-admin", 200, 200)
	f.wantBearer(t, "newer-admin", 200, 200)
	f.wantBearer(t, "old-"+checkBearer, 401, 401)
	f.wantBearer(t, adminBearer, 401, 401)
	if err := f.SetBearers([]string{"new-check"}, nil); err != nil {
		t.Fatal(err)
	}
	f.wantBearer(t, "new-check", 200, 403)
	f.wantBearer(t, "new-admin", 401, 401)
	f.wantBearer(t, "", 401, 401)
}

func TestBearersThatMayNotBeLeaveTheOldOnes(t *testing.T) {
	f := newFixture(t)
	for _, check := range [][]string{nil, {""}, {"new-check", ""}} {
		if f.SetBearers(check, []string{"new-admin"}) == nil {
			t.Errorf("%q were taken", check)
		}
	}
	for _, admin := range [][]string{{""}, {"new-admin", "new,admin"}, {"new-admin", "new-check"}} {
		if f.SetBearers([]string{"new-check"}, admin) == nil {
			t.Errorf("the admin bearers %q were taken", admin)
		}
	}
	f.wantBearer(t, checkBearer, 200, 403)
	f.wantBearer(t, adminBearer, 200, 200)
	f.wantBearer(t, "old-"+adminBearer, 200, 200)
	f.wantBearer(t, "new-admin", 401, 401)
}

// A bearer that moves from one scope to the other is in one of them at any time.
func TestBothScopesAreReplacedAtOnce(t *testing.T) {
	f := newFixture(t)
	stop := make(chan struct{})
	var replacing sync.WaitGroup
	replacing.Go(func() {
		for pair := [2]string{checkBearer, adminBearer}; ; pair[0], pair[1] = pair[1], pair[0] {
			select {
			case <-stop:
				return
			default:
				if err := f.SetBearers(pair[:1], pair[1:]); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for range 400 {
		if got := f.do("GET", "/check/abc", checkBearer, "").status; got != 200 {
			t.Fatalf("status is %d", got)
		}
	}
	close(stop)
	replacing.Wait()
}
