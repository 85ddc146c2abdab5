package config

import (
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

// RegularFiles yields the absolute path of each file that is there and is a regular one, to
// have its permissions looked at. Empty names are skipped, and so are systemd's credentials:
// their mode of 0440 is the mask of an access-control list, which lets only the service's
// user read.
func RegularFiles(files []string) iter.Seq2[string, fs.FileInfo] {
	return func(yield func(string, fs.FileInfo) bool) {
		for _, file := range files {
			path, err := filepath.Abs(file)
			if file == "" || err != nil || isCredential(path) {
				continue
			}
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !yield(path, info) {
				return
			}
		}
	}
}

func isCredential(file string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	return dir != "" && filepath.Dir(file) == filepath.Clean(dir)
}
