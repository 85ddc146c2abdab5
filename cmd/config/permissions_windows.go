package config

import (
	"io/fs"
	"os"
)

const noFollow = 0

// Windows has access-control lists: a file's mode there tells neither its owner
// nor who may read it.

func ownedByUser(os.FileInfo) bool { return true }

// Unchecked says what this system does not tell about files.
func Unchecked() []string {
	return []string{"on Windows totpctl can't tell who may read or change a file: keep the .env in a folder that is yours alone"}
}

// OthersMay is always false.
func OthersMay(os.FileInfo, fs.FileMode) bool { return false }
