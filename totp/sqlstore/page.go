package sqlstore

import "totpctl/totp/verifier"

func summaries(rows []row, s *sealer) (all []verifier.Summary) {
	for i := range rows {
		all = append(all, rows[i].summary(s))
	}
	return all
}

// summary returns something even of an account whose secrets do not open.
func (r *row) summary(s *sealer) verifier.Summary {
	a, err := r.parse(s)
	return verifier.Summary{
		ID: r.id, Created: a.Created, State: a.State, Recovery: a.Recovery,
		Confirmed: r.sealedKey != "", Period: a.Key.Period(), PendingUntil: a.Pending.Until, Damaged: err != nil,
	}
}

// loadAll opens the rows of a page. It is called by whoever asks for the page, so that no
// verdict waits for it.
func loadAll(rows []row, s *sealer) (all []verifier.Loaded) {
	for i := range rows {
		all = append(all, rows[i].loaded(s))
	}
	return all
}

func (r *row) loaded(s *sealer) verifier.Loaded {
	a, err := r.account(s)
	if err != nil {
		a = verifier.Account{ID: r.id}
	}
	return verifier.Loaded{Account: a, Err: err}
}
