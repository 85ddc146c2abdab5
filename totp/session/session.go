// Package session keeps people signed in.
//
// A session is a row of the database and a random id, which only the browser has: the row has
// the id's hash. So any server on the database can end a session, and whoever reads the
// database can use none. Each row also has a MAC over the hash, the time it began and its
// holder, under the key of the Store's fingerprints. Whoever may write to the database thus
// begins no session, and prolongs none beyond MaxTime.
//
// A holder is a text that stands for the credential that has signed in. A session ends when
// its holder is no longer among those that Find is called with, or has come back since.
package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How long a session lasts (NIST SP 800-63B-4 section 2.2.3 asks for limits of both kinds at
// AAL2: an hour without activity, and 24 hours).
const (
	IdleTime = 30 * time.Minute // after the last request
	MaxTime  = 8 * time.Hour    // after the sign-in
)

// Most is how many sessions there are at most. One more ends the session that was seen
// longest ago, so that a program which signs in and never out locks nobody out.
const Most = 1000

// seenEvery is how often a request is written down.
const seenEvery = time.Minute

// storeTimeout is how long a call of the Store may take.
const storeTimeout = 10 * time.Second

// ErrNone says that there is no such session: it has ended, or never was.
var ErrNone = errors.New("no such session")

// A Row is what is stored of a session. Times are whole milliseconds, in UTC.
type Row struct {
	Hash    string // of the id
	MAC     string // over Hash, Created and the holder
	Created time.Time
	Seen    time.Time
	Expires time.Time
}

// A Store keeps the rows. Any number of callers and of processes may use it at the same time.
// When a method returns nil, its change must have reached stable storage.
type Store interface {
	// AddSession adds a row. In the same transaction it deletes the rows that have expired
	// when the new one is created and, of the others, those that were seen longest ago, so
	// that most rows are left.
	AddSession(ctx context.Context, r Row, most int) error

	// FindSession returns the row of a hash, or ErrNone. It must not wait for writers,
	// because strangers can have it called.
	FindSession(ctx context.Context, hash string) (Row, error)

	// SeeSession sets Seen and Expires of a row that has not expired at seen. It returns
	// ErrNone if there is none.
	SeeSession(ctx context.Context, hash string, seen, expires time.Time) error

	// EndSession deletes the row. It returns ErrNone if there is none.
	EndSession(ctx context.Context, hash string) error

	// Fingerprint and Keyed are verifier.Store's.
	Fingerprint(text string) string
	Keyed() bool
}

// Sessions begin, are found and end. They are safe for concurrent use.
type Sessions struct {
	store Store
	clock func() time.Time
	mac   func(text string) string
}

// New returns the Sessions of a Store. If that has no key, the MACs have one of this process,
// so that sessions end with it.
func New(s Store, clock func() time.Time) *Sessions {
	all := &Sessions{store: s, clock: clock, mac: s.Fingerprint}
	if !s.Keyed() {
		all.mac = processMAC()
	}
	return all
}

func processMAC() func(text string) string {
	key := []byte(rand.Text())
	return func(text string) string {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return hex.EncodeToString(h.Sum(nil))
	}
}

// Begin begins a session of a holder and returns its id, 130 random bits.
func (s *Sessions) Begin(ctx context.Context, holder string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	id = rand.Text()
	now := s.now()
	r := Row{Hash: hashOf(id), Created: now, Seen: now, Expires: now.Add(IdleTime)}
	r.MAC = s.sign(r, holder)
	return id, s.store.AddSession(ctx, r, Most)
}

// A Holder is one whose sessions are found.
type Holder struct {
	Text  string
	Since time.Time // a session that began before is not found; the zero time finds all
}

// Find returns the index of the holder whose session has the id, or ErrNone. Finding a
// session prolongs it.
func (s *Sessions) Find(ctx context.Context, id string, holders []Holder) (holder int, err error) {
	if len(id) != len(rand.Text()) { // not one of Begin's
		return 0, ErrNone
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	r, err := s.store.FindSession(ctx, hashOf(id))
	if err != nil {
		return 0, err
	}
	now := s.now()
	holder = s.holderOf(r, holders)
	if holder < 0 || !r.lasts(now) || r.Created.Before(holders[holder].Since.Truncate(time.Millisecond)) {
		return 0, ErrNone
	}
	if now.Sub(r.Seen) < seenEvery {
		return holder, nil
	}
	return holder, s.store.SeeSession(ctx, r.Hash, now, r.until(now))
}

// End ends a session. It returns ErrNone if there is none.
func (s *Sessions) End(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.store.EndSession(ctx, hashOf(id))
}

func (s *Sessions) now() time.Time { return s.clock().UTC().Truncate(time.Millisecond) }

// lasts reports whether the session goes on. It bounds Expires by Created, because the MAC
// covers no other time.
func (r Row) lasts(now time.Time) bool {
	return now.Before(r.Expires) && now.Before(r.Created.Add(MaxTime)) && now.After(r.Created.Add(-IdleTime))
}

// until returns when the session expires if it is seen now.
func (r Row) until(now time.Time) time.Time {
	return slices.MinFunc([]time.Time{now.Add(IdleTime), r.Created.Add(MaxTime)}, time.Time.Compare)
}

// holderOf compares with every holder in constant time. It returns -1 without one.
func (s *Sessions) holderOf(r Row, holders []Holder) int {
	found := -1
	for i, holder := range holders {
		equal := subtle.ConstantTimeCompare([]byte(r.MAC), []byte(s.sign(r, holder.Text)))
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	return found
}

func (s *Sessions) sign(r Row, holder string) string {
	return s.mac(strings.Join([]string{"admin session", r.Hash, strconv.FormatInt(r.Created.UnixMilli(), 10), holder}, "\x00"))
}

// hashOf needs no salt, because an id cannot be guessed.
func hashOf(id string) string {
	sum := sha256.Sum256([]byte("admin session\x00" + id))
	return base64.RawStdEncoding.EncodeToString(sum[:])
}
