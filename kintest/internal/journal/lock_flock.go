//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package journal

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile locks the directory. The lock goes with the file, also when the process
// is killed.
func lockFile(root *os.Root) (*os.File, error) {
	file, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := flock(file, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// unlockFile undoes lockFile. Closing alone would not always do: a process that is just
// being started by this one has the file open, too, until it runs its program.
func unlockFile(file *os.File) {
	_ = flock(file, syscall.LOCK_UN)
	_ = file.Close()
}

func flock(file *os.File, how int) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	var lockErr error
	err = raw.Control(func(fd uintptr) {
		for {
			lockErr = syscall.Flock(int(fd), how)
			if !errors.Is(lockErr, syscall.EINTR) {
				return
			}
		}
	})
	switch {
	case errors.Is(lockErr, syscall.EWOULDBLOCK):
		return ErrLocked
	case lockErr != nil:
		return fmt.Errorf("journal: lock: %w", lockErr)
	case err != nil:
		return fmt.Errorf("journal: lock: %w", err)
	}
	return nil
}

// ignoreDirSync reports whether an error of syncing a directory means that the file
// system does not do that.
func ignoreDirSync(err error) bool { return errors.Is(err, syscall.EINVAL) }
