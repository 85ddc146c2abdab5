//go:build !unix || solaris || aix

package audit

import "os"

// lock does nothing where there is no flock: O_APPEND keeps short writes apart.
func lock(*os.File) error { return nil }

func unlock(*os.File) {}

// isRemoved reports whether a file has no name any more, where that can be known.
func isRemoved(os.FileInfo) bool { return false }
