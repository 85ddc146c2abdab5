package exchange

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A part is one of the QR codes of an export of Google Authenticator, which numbers them
// from 0.
type part struct {
	batch, index, size int32
}

var errMissingPart = errors.New("is missing")

// leaveOutMissing names the parts that batches lack. Their accounts are in QR codes that
// nobody has read yet.
func (c *Contents) leaveOutMissing() {
	c.LeftOut = slices.DeleteFunc(c.LeftOut, func(l LeftOut) bool { return errors.Is(l.Err, errMissingPart) })
	present := map[part]map[int32]bool{} // of each batch, which has no index
	var batches []part                   // in order of appearance
	for _, p := range c.parts {
		batch := part{p.batch, 0, p.size}
		if present[batch] == nil {
			present[batch] = map[int32]bool{}
			batches = append(batches, batch)
		}
		present[batch][p.index] = true
	}
	for i, b := range batches {
		if missing := missingParts(b.size, present[b]); missing != "" {
			c.leaveOut(fmt.Sprintf("batch %d", i+1), "", fmt.Errorf("part %s of %d of a batch %w", missing, b.size, errMissingPart))
		}
	}
}

// missingParts lists ten at most, because the size of a batch is what a file says. Its time
// is bounded by the parts that are there. If a part has a number that Google Authenticator
// does not give, nothing can be said.
func missingParts(size int32, present map[int32]bool) string {
	for i := range present {
		if i < 0 || i >= size {
			return ""
		}
	}
	var missing []string
	for i := range size {
		if present[i] {
			continue
		}
		if len(missing) == 10 {
			missing = append(missing, "…")
			break
		}
		missing = append(missing, strconv.Itoa(int(i)+1))
	}
	return strings.Join(missing, ", ")
}

// Join returns the contents of several files as those of one: a batch of Google
// Authenticator may be in several pictures, and a part is missing only if none of them has
// it. Format is "" if the files differ in it. Callers may have changed the places before,
// to name the files.
func Join(all ...Contents) (joined Contents) {
	for i, c := range all {
		if i == 0 {
			joined.Format = c.Format
		} else if joined.Format != c.Format {
			joined.Format = ""
		}
		joined.Accounts = append(joined.Accounts, c.Accounts...)
		joined.LeftOut = append(joined.LeftOut, c.LeftOut...)
		joined.parts = append(joined.parts, c.parts...)
	}
	joined.leaveOutMissing()
	return joined
}

// batchID returns a number for the batch of the entries. It comes from the names, not from
// the secrets, so that a part tells nothing about the others.
func batchID(entries []entry) int32 {
	h := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(h, "%q %q\n", e.Issuer, e.Account)
	}
	return int32(binary.BigEndian.Uint32(h.Sum(nil)) >> 1)
}
