package sqlstore

import "golang.org/x/sys/windows"

// inodeOf returns what tells the file at path from others.
func inodeOf(path string) (identity, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return identity{}, err
	}
	const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	file, err := windows.CreateFile(name, 0, shared, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return identity{}, err
	}
	defer windows.CloseHandle(file)
	var s windows.ByHandleFileInformation
	err = windows.GetFileInformationByHandle(file, &s)
	return identity{uint64(s.VolumeSerialNumber), uint64(s.FileIndexHigh)<<32 | uint64(s.FileIndexLow)}, err
}
