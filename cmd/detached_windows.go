package cmd

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// detached has a process go on when the console closes.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP}
}

func leadsSession() bool { return false }
