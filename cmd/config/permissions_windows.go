package config

import (
	"io/fs"
	"os"
)

const noFollow = 0

// Windows has access-control lists: a file's mode there tells neither its owner
// nor who may read it.

func ownedByUser(os.FileInfo) bool { return true }

// OthersMay is always false.
func OthersMay(os.FileInfo, fs.FileMode) bool { return false }
