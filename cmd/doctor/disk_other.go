//go:build !linux

package doctor

func fileSystemOf(string) (fileSystem, error) { return fileSystem{}, errUnknown }
