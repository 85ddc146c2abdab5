package cmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// folderHint is for files that cannot be written.
const folderHint = "name a file in a folder that exists and that this user may write to"

// createFile writes a new file that only its owner can read. It returns fs.ErrExist if
// there is one, and leaves no file after an error.
func createFile(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := fill(f, data); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// errNotRegular is returned for a folder, a device, a FIFO, and a link, which may lead
// to one of these.
var errNotRegular = errors.New("it is not a regular file")

// replaceFile writes a file that only its owner can read, and replaces a regular file
// of that name. After an error the old file is as it was.
func replaceFile(file string, data []byte) error {
	if err := mayReplace(file); err != nil {
		return err
	}
	return beside(file, func(f *os.File) error { return fill(f, data) }, func(next string) error { return os.Rename(next, file) })
}

// beside has write fill and close a new file in the folder of file, and has place give it the
// name of file. A process that is killed meanwhile leaves no part of a file under that name.
// After an error there is no new file.
func beside(file string, write func(*os.File) error, place func(next string) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".totpctl-*") // mode 0600
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = place(f.Name())
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// mayReplace returns errNotRegular for what must stay, such as /dev/stdout, and nil if
// nothing has that name. It follows no link, because somebody else may have chosen
// where the link leads.
func mayReplace(file string) error {
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	return err
}

func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
