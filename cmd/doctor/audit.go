package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"totpctl/cmd/config"
)

// auditLog looks at whether this user may write the audit log, and at its disk: without it
// serve gives no verdict.
func auditLog(_ context.Context, p *patient) []Finding {
	s := p.read()
	path := s.AuditLog()
	if path == "" || path == config.AuditOutput || s.Err() != nil {
		return unread(s)
	}
	if found := auditFile(path); found != nil {
		return found
	}
	on, err := fileSystemOf(filepath.Dir(path))
	if err != nil {
		return nil
	}
	const way = "free some room, or rotate the audit log: on a full disk there is no verdict"
	if found := on.lacksRoom("the audit log "+path, way, way); found != nil {
		return found
	}
	return []Finding{fine("%s can be written and has room", path)}
}

// auditFile returns a fault if this user may not write the audit log, or others may; else nil.
func auditFile(path string) []Finding {
	needed := path
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) { // serve makes it
		needed = filepath.Dir(path)
		_, err = os.Stat(needed)
	}
	if err == nil && info != nil && info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("is a directory")}
	}
	switch {
	case err != nil:
		return []Finding{fault("AUDIT_LOG is a file in a folder that exists", "no verdict and no change without AUDIT_LOG: %v", err)}
	case !writable(needed):
		return []Finding{fault("run doctor as the user that serve runs as; if this is that user, `chown` it", "no verdict and no change without AUDIT_LOG: this user may not write to %s", needed)}
	case info != nil && info.Mode().IsRegular() && config.OthersMay(info, 0o022):
		return []Finding{fault("run `chmod go-w "+path+"`", "others may write to the audit log %s", path)}
	}
	return nil
}
