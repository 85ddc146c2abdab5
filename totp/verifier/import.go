package verifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"totpctl/totp"
)

// A NewAccount is an account whose key is in use elsewhere already, so that no first code
// has to confirm it.
type NewAccount struct {
	Name     string     // as ParseNewAccount takes it; see StoredName
	Entry    totp.Entry // of which the account name is not kept
	Recovery []string   // recovery codes in the clear, as ParseRecoveryCode takes them; may be nil
	Renamed  bool       // it was called otherwise, so that it may not replace the account of this name
}

// ImportOptions say what Import does with what cannot simply be added.
type ImportOptions struct {
	// Replace gives an account that exists the key and the recovery codes of the new one.
	// As after Confirm, its throttle, what was used and its old recovery codes end with
	// the old key. A disabled account stays disabled. It does not count for a new account
	// that is Renamed.
	Replace bool
	// Strict changes nothing if a single account would be left out. All are written in one
	// transaction.
	Strict bool
	// DryRun changes nothing: the results are what Import would do.
	DryRun bool
	// Progress, if not nil, is called after each transaction with how many of the accounts
	// Import is done with.
	Progress func(done int)
}

// An Imported is what became of a NewAccount. In the zero Imported, Import has not come to
// the account.
type Imported struct {
	Outcome Outcome
	// Err says why the account was left out: ErrName, ErrExists, ErrTwice, ErrRecovery, or
	// that the account which exists is damaged. It is nil otherwise.
	Err error
}

// An Outcome is what Import has done with an account that it has taken.
type Outcome string

// The outcomes.
const (
	OutcomeAdded     Outcome = "added"
	OutcomeReplaced  Outcome = "replaced"
	OutcomeUnchanged Outcome = "unchanged" // an account of this name has this key already
)

// The errors of Import.
var (
	ErrTwice    = errors.New("another account of this import has the same name")
	ErrRecovery = errors.New("a recovery code does not fit")
	// ErrLeftOut says that a strict import has changed nothing.
	ErrLeftOut = errors.New("nothing was imported, because not every account could be")
)

// importBatch is how many accounts a transaction of Import has. Verdicts may wait for one
// transaction.
const importBatch = 1000

// Import adds accounts whose keys are active at once. It answers for each of them, in their
// order. An account whose key is stored under its name already is left as it is, so that
// nothing that was used becomes good again, and an import that broke off may be repeated.
// Of several accounts of one name the first counts. Import ends with ctx between two
// transactions. After an error, the results tell what is certain.
func (v *Verifier) Import(ctx context.Context, accounts []NewAccount, o ImportOptions) ([]Imported, error) {
	i := &importing{options: o, clock: v.config.Clock, results: make([]Imported, len(accounts))}
	i.parse(accounts)
	if o.Strict {
		return i.results, v.importStrictly(ctx, i)
	}
	return i.results, v.importBatches(ctx, i)
}

func (v *Verifier) importBatches(ctx context.Context, i *importing) error {
	for from := 0; from < len(i.fit); from += importBatch {
		to, begin := min(from+importBatch, len(i.fit)), v.config.Clock()
		if err := v.importAll(ctx, v.store, i, from, to); err != nil {
			return err
		}
		i.progress(to)
		if to-from == importBatch { // also after the last one: the caller may go on with more
			makeRoom(ctx, v.config.Clock().Sub(begin))
		}
	}
	return nil
}

// makeRoom waits for as long as the last transaction took, because SQLite's lock has no
// queue: a server in another process that finds it taken tries again after a while, and
// must find it free then.
func makeRoom(ctx context.Context, took time.Duration) {
	select {
	case <-time.After(min(took, time.Second)):
	case <-ctx.Done():
	}
}

// importStrictly looks at all accounts first, in pages, so that the one long transaction is
// not begun in vain.
func (v *Verifier) importStrictly(ctx context.Context, i *importing) error {
	dry := *i
	dry.options.DryRun, dry.options.Progress = true, nil
	if err := v.importBatches(ctx, &dry); err != nil {
		return err
	}
	if err := leftOut(i.results); err != nil || i.options.DryRun {
		return err
	}
	store := v.store
	if len(i.fit) > importBatch {
		store = v.longStore
	}
	err := v.importAll(ctx, store, i, 0, len(i.fit))
	if err == nil {
		i.progress(len(i.fit))
	}
	return err
}

// errDryRun ends a transaction of which only the decisions were wanted.
var errDryRun = errors.New("dry run")

// importAll imports the accounts that fit, from one index to before another, and has the
// Witness told of them.
func (v *Verifier) importAll(ctx context.Context, store deadline, i *importing, from, to int) error {
	if from == to {
		return nil
	}
	if !i.options.DryRun {
		var err error
		if ctx, err = v.begin(ctx); err != nil {
			return err
		}
	}
	fit := i.fit[from:to]
	results, err := v.addAll(ctx, store, i, fit)
	if err != nil && !errors.Is(err, ErrLeftOut) {
		return err
	}
	for j, f := range fit {
		i.results[f.index] = results[j]
	}
	if err != nil || i.options.DryRun {
		return err
	}
	return v.tell(ctx, importEvents(fit, results)...)
}

// addAll is Store.AddAll in one transaction, or none for a dry run. It returns the results
// also with ErrLeftOut, and without any other error.
func (v *Verifier) addAll(ctx context.Context, store deadline, i *importing, fit []fitAccount) ([]Imported, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	accounts := make([]Account, len(fit))
	for j, f := range fit {
		accounts[j] = f.account
		defer v.waits.forget(f.account.ID)
	}
	var results []Imported // an AddAll that has met its deadline may still write them
	// A transaction under way goes on, because nobody could tell what became of it.
	err := store(context.WithoutCancel(ctx), func(ctx context.Context, s Store) error {
		return s.AddAll(ctx, accounts, func(stored map[int]Loaded) (changed map[int]Account, err error) {
			results, changed = i.decide(fit, stored)
			switch {
			case i.options.DryRun:
				return nil, errDryRun
			case i.options.Strict:
				err = leftOut(results)
			}
			return changed, err
		})
	})
	switch {
	case errors.Is(err, errDryRun):
		return results, nil
	case err == nil || errors.Is(err, ErrLeftOut):
		return results, err
	}
	return nil, err
}

// importEvents returns the events of the accounts that an import has changed.
func importEvents(fit []fitAccount, results []Imported) (all []Event) {
	for j, f := range fit {
		switch results[j].Outcome {
		case OutcomeAdded:
			all = append(all, Event{Kind: KindImport, Account: f.account.ID})
		case OutcomeReplaced:
			all = append(all, Event{Kind: KindReplace, Account: f.account.ID})
		}
	}
	return all
}

// An importing is an Import under way.
type importing struct {
	options ImportOptions
	clock   func() time.Time
	results []Imported
	fit     []fitAccount
}

// A fitAccount is an account that can be imported, unless one in the store prevents it.
type fitAccount struct {
	index   int // of the NewAccount
	account Account
	renamed bool
}

// parse finds the accounts that fit. What is wrong with the others is their result.
func (i *importing) parse(accounts []NewAccount) {
	now, seen := millisecond(i.clock()), make(map[string]totp.Key, len(accounts))
	for index, n := range accounts {
		a, err := n.account(now)
		key, twice := seen[n.Name]
		switch {
		case err != nil:
			i.results[index].Err = err
		case twice && key.Equal(a.Key):
			i.results[index].Outcome = OutcomeUnchanged
		case twice:
			i.results[index].Err = ErrTwice
		default:
			seen[n.Name] = a.Key
			i.fit = append(i.fit, fitAccount{index, a, n.Renamed})
		}
	}
}

// account returns the account as it is added. Its column of the issuer stays empty where
// the name tells one.
func (n NewAccount) account(now time.Time) (Account, error) {
	if _, err := ParseNewAccount(n.Name); err != nil {
		return Account{}, err
	}
	if n.Entry.Key.IsZero() {
		return Account{}, errors.New("the account has no key")
	}
	a := Account{ID: n.Name, Created: now, Key: n.Entry.Key}
	if _, _, named := totp.SplitName(n.Name); !named && n.Entry.Issuer != "" {
		issuer, err := totp.ParseName(n.Entry.Issuer)
		if err != nil {
			return Account{}, fmt.Errorf("%w: its issuer %w", ErrName, err)
		}
		a.Issuer = issuer
	}
	if len(n.Recovery) > 0 && a.Key.Scheme().Steam {
		return Account{}, ErrSteam
	}
	var err error
	a.Recovery, err = hashRecovery(n.Name, n.Recovery)
	return a, err
}

// decide returns the results for accounts of which these are stored, by index, and what
// shall replace the stored ones.
func (i *importing) decide(fit []fitAccount, stored map[int]Loaded) ([]Imported, map[int]Account) {
	results, changed := make([]Imported, len(fit)), map[int]Account{}
	for j, f := range fit {
		old, exists := stored[j]
		if !exists {
			results[j].Outcome = OutcomeAdded
			continue
		}
		next, result := f.account.over(old, i.options.Replace && !f.renamed, i.clock())
		results[j] = result
		if result.Outcome == OutcomeAdded || result.Outcome == OutcomeReplaced {
			changed[j] = next
		}
	}
	return results, changed
}

// over returns what becomes of an account that exists when a is imported.
func (a Account) over(stored Loaded, replace bool, now time.Time) (Account, Imported) {
	if stored.Err != nil {
		return Account{}, Imported{Err: stored.Err}
	}
	old := stored.Account.current(now)
	outcome := OutcomeReplaced
	switch {
	case old.abandoned():
		outcome = OutcomeAdded
	case old.Key.Equal(a.Key):
		return old, Imported{Outcome: OutcomeUnchanged}
	case !replace:
		return old, Imported{Err: ErrExists}
	}
	a.Created, a.Issuer = old.Created, cmp.Or(a.Issuer, old.Issuer)
	a.State = old.State.tallies()
	a.State.Disabled = old.State.Disabled
	return a, Imported{Outcome: outcome}
}

// abandoned reports whether the account was never confirmed, and its pending key has
// expired.
func (a Account) abandoned() bool {
	return a.Key.IsZero() && a.Pending.Key.IsZero() && !a.State.Disabled && !a.State.Revoked
}

func (i *importing) progress(fit int) {
	if i.options.Progress != nil {
		i.options.Progress(fit + len(i.results) - len(i.fit))
	}
}

// leftOut returns ErrLeftOut if an account was.
func leftOut(results []Imported) error {
	if slices.ContainsFunc(results, func(r Imported) bool { return r.Err != nil }) {
		return ErrLeftOut
	}
	return nil
}

// AddActive adds an account whose key is active at once. It returns ErrName, ErrExists and
// ErrRecovery as Import does.
func (v *Verifier) AddActive(ctx context.Context, n NewAccount) error {
	results, err := v.Import(ctx, []NewAccount{n}, ImportOptions{})
	switch {
	case err != nil:
		return err
	case results[0].Outcome == OutcomeUnchanged:
		return ErrExists
	}
	return results[0].Err
}
