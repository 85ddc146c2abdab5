package cmd

import "testing"

func TestTheUsageOfACommandTellsWhatEachArgumentIs(t *testing.T) {
	for use, want := range map[string][]string{
		"gen [ACCOUNT|-]":   {"ACCOUNT", ""},
		"show [NAME]":       {"NAME", ""},
		"confirm NAME CODE": {"NAME", "CODE", ""},
		"rename OLD NEW":    {"OLD", "NEW", ""},
		"import FILE|-":     {"FILE", ""},
		"export [NAME…]":    {"NAME", "NAME", "NAME"},
		"export [NAME]...":  {"NAME", "NAME", "NAME"},
		"list":              {"", ""},
	} {
		for i, word := range want {
			if got := argumentWord(use, i); got != word {
				t.Errorf("argument %d of %q is %q, want %q", i, use, got, word)
			}
		}
	}
}
