//go:build unix

package cli

import (
	"syscall"
	"time"
)

// processCPU returns the processor time that this process has used; 0 if it is not known.
func processCPU() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
