package server

// Codes are all that error bodies may have, with their statuses.
func Codes() map[string]int {
	all := map[string]int{}
	for status, code := range codes {
		all[code] = status
	}
	for _, own := range ownCodes {
		all[own.code] = own.status
	}
	return all
}
