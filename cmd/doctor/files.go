package doctor

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"totpctl/cmd/config"
)

// files looks at who owns, may read and may write what holds secrets.
func files(_ context.Context, p *patient) (found []Finding) {
	s := p.read()
	url, pair := s.DatabaseURL(), s.Certificate()
	db := databaseFiles(url)
	owner := ownerOf(cmp.Or(db...))
	secrets := append(p.Settings.SecretFiles(), db...)
	if s.Err() == nil {
		secrets = append(secrets, pair.KeyFile)
	}
	for _, text := range config.Unchecked() {
		found = append(found, warning("", "%s", text))
	}
	looked := 0
	for path, info := range config.RegularFiles(secrets) {
		looked++
		found = append(found, fileFindings(path, info, owner)...)
	}
	found = append(found, certificateFile(pair.CertFile)...)
	if len(db) > 0 {
		found = append(found, folderFindings(db[0])...)
	}
	if len(found) == 0 && looked > 0 {
		return []Finding{fine("the files that hold secrets are their owner's alone: %d looked at", looked)}
	}
	return found
}

// fileFindings looks at a file that holds secrets.
func fileFindings(path string, info fs.FileInfo, owner int) (found []Finding) {
	switch {
	case config.OthersMay(info, 0o022):
		found = append(found, fault("run `chmod go= "+path+"`", "others may write to %s", path))
	case config.OthersMay(info, 0o044):
		found = append(found, warning("run `chmod go= "+path+"`, or mount it with mode 0400", "others may read %s", path))
	}
	if uid := ownerOf(path); !trusted(uid, owner) {
		found = append(found, warning("run `chown` to make it the property of the user that serve runs as", "%s belongs to the user %d, who is not the one that runs this", path, uid))
	}
	return found
}

// certificateFile looks at a file that may be read by all, but not be changed.
func certificateFile(file string) []Finding {
	if file == "" {
		return nil
	}
	if info, err := os.Stat(file); err == nil && config.OthersMay(info, 0o022) {
		return []Finding{fault("run `chmod go-w "+file+"`", "others may write to %s", file)}
	}
	return nil
}

// folderFindings looks at the folder of the database and whether this user may use it. Who
// may write to the folder may put another database into its place.
func folderFindings(database string) (found []Finding) {
	folder := filepath.Dir(database)
	info, err := os.Stat(folder)
	if err != nil {
		return nil
	}
	if config.OthersMay(info, 0o002) && info.Mode()&fs.ModeSticky == 0 {
		found = append(found, fault("run `chmod o-w "+folder+"`", "everybody may put another database into the place of %s", database))
	}
	for _, path := range []string{database, folder} {
		if !writable(path) {
			return append(found, fault("run doctor as the user that serve runs as; if this is that user, `chown` it", "this user may not write to %s", path))
		}
	}
	return found
}

// databaseFiles returns SQLite's files that exist. The write-ahead log is beside the file
// that a link leads to.
func databaseFiles(databaseURL string) (all []string) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	target, err := filepath.EvalSymlinks(path)
	if !ok || err != nil {
		return nil
	}
	if target, err = filepath.Abs(target); err != nil {
		return nil
	}
	return []string{target, target + "-wal", target + "-shm"}
}
