package doctor

import "golang.org/x/sys/unix"

// kinds returns the file systems that are told, by the number that statfs(2) has for each.
func kinds() map[int64]fileSystem {
	return map[int64]fileSystem{
		unix.NFS_SUPER_MAGIC:  {name: "NFS", durable: true},
		unix.SMB_SUPER_MAGIC:  {name: "SMB", durable: true},
		unix.CIFS_SUPER_MAGIC: {name: "SMB", durable: true},
		unix.SMB2_SUPER_MAGIC: {name: "SMB", durable: true},
		unix.AFS_SUPER_MAGIC:  {name: "AFS", durable: true},
		unix.CEPH_SUPER_MAGIC: {name: "Ceph", durable: true},
		unix.CODA_SUPER_MAGIC: {name: "Coda", durable: true},
		unix.V9FS_MAGIC:       {name: "9P", durable: true},
		unix.FUSE_SUPER_MAGIC: {name: "FUSE", durable: true},
		unix.TMPFS_MAGIC:      {name: "tmpfs", local: true},
		unix.RAMFS_MAGIC:      {name: "ramfs", local: true},
	}
}

func fileSystemOf(folder string) (fileSystem, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return fileSystem{}, err
	}
	on, told := kinds()[int64(uint32(s.Type))] // the type is signed on some machines
	if !told {
		on = fileSystem{durable: true, local: true}
	}
	on.free, on.size = s.Bavail*uint64(s.Bsize), s.Blocks*uint64(s.Bsize)
	return on, nil
}
