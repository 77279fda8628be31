//go:build !unix

package cli

import "os/exec"

// apart has no meaning here: a program gets the signals of the terminal too.
func apart(*exec.Cmd) {}

// terminate ends a program: there is no way to ask it.
func terminate(cmd *exec.Cmd) error { return cmd.Process.Kill() }

// kill ends a program.
func kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }
