//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// apart keeps the signals of the terminal from a program: Ctrl-C is for kin, which lets the
// program finish what it has in hand.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks a program that was started apart, and all that it started, to end.
func terminate(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// kill ends them.
func kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
