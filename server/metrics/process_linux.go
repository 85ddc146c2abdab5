package metrics

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// readProcess reads /proc/self (proc_pid_statm(5), proc_pid_fd(5)).
func readProcess() (p process, ok bool) {
	var usage syscall.Rusage
	var limit syscall.Rlimit
	var pages uint64
	statm, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscanf(string(statm), "%d %d", new(uint64), &pages)
	}
	fds, errFDs := os.ReadDir("/proc/self/fd")
	if err != nil || errFDs != nil || syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil || syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return process{}, false
	}
	return process{
		cpu:      time.Duration(usage.Utime.Nano() + usage.Stime.Nano()),
		resident: pages * uint64(os.Getpagesize()),
		openFDs:  uint64(len(fds)), maxFDs: limit.Cur,
	}, true
}
