package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockFile locks the directory by a file that is opened without sharing, which goes
// with the process, also when that is killed.
func lockFile(root *os.Root) (*os.File, error) {
	const sharingViolation syscall.Errno = 32
	path := filepath.Join(root.Name(), lockName)
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("journal: lock: %w", err)
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("journal: lock: %w", err)
	}
	return os.NewFile(uintptr(handle), path), nil
}

// unlockFile undoes lockFile.
func unlockFile(file *os.File) { _ = file.Close() }

// ignoreDirSync is true: Windows has no handle of a directory that could be synced.
func ignoreDirSync(error) bool { return true }
