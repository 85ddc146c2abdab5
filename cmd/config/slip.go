package config

import "strings"

// meant returns the variable that name in the .env is a slip for, "" if it is none or
// if that variable is set, too: then name is another program's.
func (s *Settings) meant(name string) string {
	if known(name) || ours(name) {
		return ""
	}
	for _, v := range All() {
		for _, right := range []string{v.Name, v.Name + "_FILE"} {
			if known(right) && isSlip(name, right) && s.Source(v) == "" {
				return right
			}
		}
	}
	return ""
}

// isSlip reports whether name is right in another case, in full words (ADDRESS for
// ADDR), or one typing error away: a letter too much, too few or wrong, or two in
// each other's place. Names that differ in their first letter (MTLS_CERT_FILE) or by
// a digit (DATABASE_URL2) are meant.
func isSlip(name, right string) bool {
	name = strings.NewReplacer("ADDRESS", "ADDR", "CERTIFICATE", "CERT").Replace(strings.ToUpper(name))
	return name != "" && name[0] == right[0] && !strings.ContainsAny(name, "0123456789") && oneApart(name, right)
}

// oneApart reports whether the Damerau-Levenshtein distance of a and b is at most 1.
func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	same := 0 // characters at the start
	for same < len(a) && a[same] == b[same] {
		same++
	}
	a, b = a[same:], b[same:]
	switch {
	case len(a) < len(b):
		return a == b[1:]
	case len(a) < 2:
		return true
	}
	return a[1:] == b[1:] || a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}
