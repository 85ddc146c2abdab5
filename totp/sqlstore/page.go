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

// loaded opens the rows of a page. It is called by whoever asks for the page, so that no
// verdict waits for it.
func loaded(rows []row, s *sealer) (all []verifier.Loaded) {
	for i := range rows {
		a, err := rows[i].parse(s)
		if err != nil {
			a = verifier.Account{ID: rows[i].id}
		}
		all = append(all, verifier.Loaded{Account: a, Damaged: err != nil})
	}
	return all
}
