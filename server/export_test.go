package server

import (
	"context"
	"maps"
	"slices"
)

// Codes are all that error bodies may have, with their statuses.
func Codes() map[string]int {
	all := map[string]int{}
	for status := range 600 {
		if code := codeOf(status); code != "" {
			all[code] = status
		}
	}
	for _, own := range ownCodes {
		all[own.code] = own.status
	}
	return all
}

// Routes returns the methods of each path.
func (s *Server) Routes() map[string][]string {
	all := map[string][]string{}
	for _, r := range s.table() {
		all[r.path] = slices.Sorted(maps.Keys(r.methods))
	}
	return all
}

// Recorded returns what the record of a request's context says.
func Recorded(ctx context.Context) (by, account, verdict string, err error) {
	rec := ctx.Value(recordKey{}).(*record)
	return rec.origin.By, rec.account, rec.verdict, rec.err
}
