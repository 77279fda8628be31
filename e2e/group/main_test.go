//go:build unix

package group_test

import (
	"os"
	"testing"

	"github.com/kinstream/kin/e2e/group/worker"
)

// workerEnv makes the test binary a worker with the settings that it holds.
const workerEnv = "KIN_GROUP_WORKER"

func TestMain(m *testing.M) {
	if settings := os.Getenv(workerEnv); settings != "" {
		os.Exit(worker.Main(settings, os.Stdin, os.Stderr))
	}
	os.Exit(m.Run())
}
