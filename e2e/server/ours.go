package server

import (
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kinstream/kin/kintest"
)

func oursCapabilities() Capabilities {
	return Capabilities{
		StreamARN: true, FanOut: true, InitialResponse: true, CBOR: true, LiveReads: true,
	}
}

// Kintest is kin's own server inside the test's process, reached over loopback.
func Kintest() Kind {
	return Kind{
		Name:         "kintest",
		Capabilities: oursCapabilities(),
		start: func(tb testing.TB) running {
			tb.Helper()
			s, err := kintest.NewServer(kintest.Config{Region: Region, StateDelay: StateDelay})
			if err != nil {
				tb.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				tb.Fatal(err)
			}
			var serving sync.WaitGroup
			serving.Go(func() { _ = s.Serve(l) })
			tb.Cleanup(func() {
				if err := s.Close(); err != nil {
					tb.Errorf("close kintest: %v", err)
				}
				serving.Wait()
			})
			return running{url: "http://" + l.Addr().String()}
		},
	}
}

// KinServe is the command kin serve as a process of its own.
func KinServe() Kind {
	return Kind{
		Name:         "kin serve",
		Capabilities: oursCapabilities(),
		start: func(tb testing.TB) running {
			tb.Helper()
			program := filepath.Join(tb.TempDir(), executable("kin"))
			Output(tb, filepath.Join(Root(tb), "cmd", "kin"), nil, "go", "build", "-o", program, ".")
			return process{
				name:    "kin serve",
				command: program,
				args:    func(port string) []string { return []string{"serve", "--listen", "127.0.0.1:" + port} },
			}.run(tb)
		},
	}
}
