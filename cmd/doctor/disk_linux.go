package doctor

import (
	"cmp"

	"golang.org/x/sys/unix"
)

// knownFileSystems returns the file systems that doctor comments on, by their magic number
// in statfs(2). What is not local may be another machine's; what is not durable is lost at
// a restart.
func knownFileSystems() map[int64]fileSystem {
	return map[int64]fileSystem{
		unix.NFS_SUPER_MAGIC:  {name: "NFS", durable: true},
		unix.SMB_SUPER_MAGIC:  {name: "SMB", durable: true},
		unix.CIFS_SUPER_MAGIC: {name: "SMB", durable: true},
		unix.SMB2_SUPER_MAGIC: {name: "SMB", durable: true},
		unix.AFS_SUPER_MAGIC:  {name: "AFS", durable: true},
		unix.CEPH_SUPER_MAGIC: {name: "Ceph", durable: true},
		unix.CODA_SUPER_MAGIC: {name: "Coda", durable: true},
		unix.V9FS_MAGIC:       {name: "9P", durable: true},
		unix.FUSE_SUPER_MAGIC: {name: "FUSE", durable: true}, // statfs does not say whose
		unix.TMPFS_MAGIC:      {name: "tmpfs", local: true},
		unix.RAMFS_MAGIC:      {name: "ramfs", local: true},
	}
}

// fileSystemOf returns the file system of a folder. One that is not known counts as a
// local, durable one.
func fileSystemOf(folder string) (fileSystem, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return fileSystem{}, err
	}
	// Type is an int32 on some machines, where SMB's number is negative.
	fs, known := knownFileSystems()[int64(uint32(s.Type))]
	if !known {
		fs = fileSystem{durable: true, local: true}
	}
	block := uint64(cmp.Or(s.Frsize, s.Bsize)) // FUSE's may differ
	fs.free = s.Bavail * block
	fs.size = s.Blocks * block
	return fs, nil
}
