package doctor

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
)

// The room that a database needs at least: what is less is nearly full.
const (
	minFree  = 100 << 20 // bytes
	minShare = 20        // a twentieth, 5 %
)

// A fileSystem is what a folder is on.
type fileSystem struct {
	name       string // of a kind that is told, "" for any other
	durable    bool   // a reboot leaves what is on it
	local      bool
	free, size uint64 // bytes
}

// errUnknown says that this system does not tell about file systems.
var errUnknown = errors.New("file systems are not looked at on this system")

// disk looks at the file system of a SQLite database.
func disk(_ context.Context, p *patient) []Finding {
	s := p.read()
	path, ok := strings.CutPrefix(s.DatabaseURL(), "sqlite:")
	if s.Err() != nil || !ok {
		return unread(s)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return []Finding{failed(err)}
	}
	on, err := fileSystemOf(folder)
	switch {
	case errors.Is(err, errUnknown):
		return nil
	case err != nil:
		return []Finding{fault("DATABASE_URL names a file in a folder that exists", "looking at the disk of the database: %v", err)}
	}
	return diskFindings(folder, on)
}

func diskFindings(folder string, on fileSystem) (found []Finding) {
	switch {
	case !on.durable:
		found = append(found, fault("move the database to a disk", "%s is in memory (%s): after a reboot the accounts are gone, and used codes are good again", folder, on.name))
	case !on.local:
		found = append(found, warning("move the database to a local disk, or use PostgreSQL",
			"%s is on a network or shared file system (%s): SQLite's locks and its write-ahead log need a local disk, and used codes may be good again", folder, on.name))
	}
	found = append(found, on.lacksRoom(folder, "free some room: without it no code is accepted", "free some room: on a full disk no code is accepted")...)
	if len(found) == 0 {
		return []Finding{fine("the disk of %s is local and has room", folder)}
	}
	return found
}

// lacksRoom returns a finding if the file system of what is stored there is full or nearly so,
// with the way out of each; else nil.
func (on fileSystem) lacksRoom(stored, ifFull, ifNearly string) []Finding {
	switch {
	case on.size == 0: // one that has no blocks, such as a network's
	case on.free == 0:
		return []Finding{fault(ifFull, "the disk of %s is full", stored)}
	case on.free < minFree || on.free < on.size/minShare:
		return []Finding{warning(ifNearly, "the disk of %s is nearly full: %d MiB of %d MiB are free", stored, on.free>>20, on.size>>20)}
	}
	return nil
}
