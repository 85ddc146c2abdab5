//go:build !linux

package metrics

func readProcess() (process, bool) { return process{}, false }
