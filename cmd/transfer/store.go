package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"totpctl/totp/verifier"
)

// A Store is what a plan needs of the verifier.
type Store interface {
	Entries(ctx context.Context, from string, limit int) (page []verifier.StoredEntry, next string, err error)
	Import(ctx context.Context, accounts []verifier.NewAccount, o verifier.ImportOptions) ([]verifier.Imported, error)
}

// batch is how many accounts a transaction stores.
const batch = 1000

// ErrInterrupted is returned by Carry if its context ends between two transactions.
var ErrInterrupted = errors.New("interrupted")

// Compare shows the plan what is stored. Afterwards each item has the action that Carry
// would take now. With replace, that overwrites stored accounts.
func (p *Plan) Compare(ctx context.Context, s Store, replace bool) error {
	if err := verifier.EachEntry(ctx, s, p.Meet); err != nil {
		return fmt.Errorf("reading stored accounts: %w", err)
	}
	for chunk := range slices.Chunk(p.todo(), batch) {
		if err := p.carry(ctx, s, chunk, verifier.ImportOptions{Replace: replace, DryRun: true}); err != nil {
			return err
		}
	}
	return nil
}

// Carry stores what the plan adds and replaces: 1000 accounts a transaction, or all in one if
// strict. It calls progress after each transaction but the last. Afterwards each item has the action that
// was taken, which is Undone for what an error has left.
func (p *Plan) Carry(ctx context.Context, s Store, replace, strict bool, progress func(done, total int)) error {
	todo, size := p.Drop(), batch
	if strict {
		size = max(1, len(todo))
	}
	done := 0
	for chunk := range slices.Chunk(todo, size) {
		if ctx.Err() != nil {
			return ErrInterrupted
		}
		// Nobody could tell whether a transaction that is cancelled under way is stored.
		err := p.carry(context.WithoutCancel(ctx), s, chunk, verifier.ImportOptions{Replace: replace, Strict: strict})
		if err != nil {
			return err
		}
		if done += len(chunk); done < len(todo) {
			progress(done, len(todo))
		}
	}
	return nil
}

// Drop makes undone what was to be stored, and returns the indices of that.
func (p *Plan) Drop() []int {
	todo := p.todo()
	for _, n := range todo {
		p.Items[n].Action = Undone
	}
	return todo
}

// todo returns the indices of what is to be stored.
func (p *Plan) todo() (todo []int) {
	for n, i := range p.Items {
		if i.Action == Add || i.Action == Replace {
			todo = append(todo, n)
		}
	}
	return todo
}

func (p *Plan) carry(ctx context.Context, s Store, chunk []int, o verifier.ImportOptions) error {
	accounts := make([]verifier.NewAccount, len(chunk))
	for k, n := range chunk {
		i := p.Items[n]
		accounts[k] = verifier.NewAccount{Name: i.Name, Entry: i.Entry, Recovery: i.Recovery, Renamed: i.renamed}
	}
	results, err := s.Import(ctx, accounts, o)
	for k, n := range chunk {
		if err == nil || results[k].Err != nil {
			p.Items[n].become(results[k])
		}
	}
	return err
}

// become sets what became of the item.
func (i *Item) become(r verifier.Imported) {
	switch {
	case errors.Is(r.Err, verifier.ErrExists) && i.renamed:
		i.leaveOut("another key is stored under that name, which is not quite what the file calls it: --replace does not overwrite it")
	case errors.Is(r.Err, verifier.ErrExists):
		i.leaveOut("another key is stored under that name: --replace overwrites it")
	case r.Err != nil:
		i.leaveOut(r.Err.Error())
	case r.Outcome == verifier.OutcomeAdded:
		i.Action = Add
	case r.Outcome == verifier.OutcomeReplaced:
		i.Action = Replace
	case r.Outcome == verifier.OutcomeUnchanged:
		i.Action = Unchanged
	}
}
