package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// atomicPipe is how many bytes a pipe takes in one piece (POSIX asks for 512, Linux has
// 4096). A line is shorter.
const atomicPipe = 4096

// A file is where lines go.
type file struct {
	*os.File
	regular bool  // appended to under a lock
	end     int64 // of a regular file: where our last write has ended
	torn    bool  // the last write has left a half line
}

// openFile opens the file of a Log, which it makes for its owner alone. It does not wait
// for a reader of a FIFO: without one it returns ENXIO.
func openFile(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = checkOurs(path, info)
	}
	if err == nil && info.Mode().IsRegular() {
		if err = reserve(f, info.Size()); err == nil && info.Size() == 0 {
			syncFolder(path)
		}
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: withoutPath(err)}
	}
	return &file{File: f, regular: info.Mode().IsRegular()}, nil
}

var (
	errForeign = errors.New("it holds something other than an audit log")
	errRemoved = errors.New("the file was removed")
)

// checkOurs returns errForeign for a file that begins otherwise than a line does: a slip,
// such as the database's name, must not cost that file. A file that may not be read is taken.
func checkOurs(path string, info fs.FileInfo) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var first [1]byte
	if n, _ := f.Read(first[:]); info.Size() > 0 && n == 1 && first[0] != '{' && first[0] != '\n' { // `echo >FILE` empties a log
		return errForeign
	}
	return nil
}

// syncFolder makes the name of a new file durable, where a file system can do that.
func syncFolder(path string) {
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		d.Sync()
		d.Close()
	}
}

// append writes whole lines. After an error none of them is in a regular file.
func (f *file) append(lines []byte) error {
	if !f.regular {
		return f.appendToPipe(f.whole(lines))
	}
	if err := lock(f.File); err != nil {
		return fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	defer unlock(f.File)
	if err := f.repair(); err != nil {
		return err
	}
	n, err := f.Write(f.whole(lines))
	f.end += int64(n)
	f.torn = err != nil && n > 0 && f.cut(f.end-int64(n)) != nil
	return err
}

// whole returns the lines, after a newline if the file ends with a half line that could not
// be cut off.
func (f *file) whole(lines []byte) []byte {
	if f.torn {
		return append([]byte("\n"), lines...)
	}
	return lines
}

// appendToPipe writes pieces of whole lines that cannot mix with those of another
// process.
func (f *file) appendToPipe(lines []byte) error {
	for len(lines) > 0 {
		n := len(lines)
		if n > atomicPipe {
			n = max(bytes.LastIndexByte(lines[:atomicPipe], '\n'), bytes.IndexByte(lines, '\n')) + 1
		}
		written, err := f.Write(lines[:n])
		f.torn = err != nil && written > 0
		if err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// repair cuts off the half line of a process that was killed while it wrote. It looks only
// if another process has written since our last write. It returns errRemoved for a file that
// has no name any more, because nobody could read the lines. A file that was renamed has one.
func (f *file) repair() error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case isRemoved(info):
		return errRemoved
	case info.Size() == f.end:
		return nil
	}
	f.end = info.Size()
	half, err := halfLine(f.Name(), info)
	if half == 0 || err != nil {
		return err
	}
	f.torn = f.cut(f.end-half) != nil // such as in a file that may only grow (chattr +a)
	return nil
}

// halfLine returns how many bytes there are after the last newline. A file that may not be
// read, or whose end is no line of ours, is left as it is.
func halfLine(path string, written fs.FileInfo) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !os.SameFile(info, written) {
		return 0, err
	}
	tail := make([]byte, min(written.Size(), atomicPipe))
	if _, err := f.ReadAt(tail, written.Size()-int64(len(tail))); err != nil {
		return 0, err
	}
	newline := bytes.LastIndexByte(tail, '\n')
	if newline < 0 && written.Size() > atomicPipe {
		return 0, nil
	}
	return int64(len(tail) - newline - 1), nil
}

// cut makes the file end at a size.
func (f *file) cut(size int64) error {
	err := f.Truncate(size)
	if err == nil {
		f.end = size
	}
	return err
}

// sync is fsync. A pipe has none.
func (f *file) sync() error {
	if !f.regular {
		return nil
	}
	return f.Sync()
}

// interrupt ends a write that waits for the reader of a FIFO.
func (f *file) interrupt() { f.SetWriteDeadline(time.Unix(1, 0)) }

// withoutPath returns the error as strangers may see it.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
