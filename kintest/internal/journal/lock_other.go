//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package journal

import (
	"fmt"
	"os"
)

// lockFile does not lock: the system has no lock that goes with the process.
func lockFile(root *os.Root) (*os.File, error) {
	file, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return file, nil
}

func unlockFile(file *os.File) { _ = file.Close() }

func ignoreDirSync(error) bool { return true }
