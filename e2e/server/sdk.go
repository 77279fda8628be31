package server

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Java returns the command that runs a class of e2e/sdk/java, as programs are run that live for seconds:
// without the second compiler and the parallel collector of the virtual machine. The server is the one that it
// talks to, which may not understand the CBOR that the SDK for Java speaks by itself.
func (s *Server) Java(tb testing.TB, class string, args ...string) []string {
	tb.Helper()
	lib := installed(tb, "the SDK for Java", "java", "lib")
	program, err := exec.LookPath("java")
	if err != nil {
		Missing(tb, "Java")
	}
	path := filepath.Join(filepath.Dir(lib), "check-1.jar") + string(os.PathListSeparator) + filepath.Join(lib, "*")
	command := []string{program, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path}
	if !s.CBOR {
		command = append(command, "-Daws.cborEnabled=false")
	}
	return append(append(command, "kin."+class), args...)
}

// Python returns the command that runs a program of e2e/sdk/python.
func (s *Server) Python(tb testing.TB, program string, args ...string) []string {
	tb.Helper()
	python := installed(tb, "the SDK for Python", "python", "bin", "python")
	return append([]string{python, filepath.Join(Root(tb), "e2e", "sdk", "python", program)}, args...)
}
