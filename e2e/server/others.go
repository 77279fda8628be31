package server

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Kinesalite is kinesalite 3.3.3: fast and reliable, with the API of 2019.
func Kinesalite() Kind {
	return Kind{
		Name:         "kinesalite",
		Capabilities: Capabilities{LiveReads: true},
		start: func(tb testing.TB) running {
			tb.Helper()
			script := installed(tb, "kinesalite", "npm", "node_modules", "kinesalite", "cli.js")
			delay := stateDelay()
			return process{
				name:    "kinesalite",
				command: node(tb),
				args: func(port string) []string {
					return survivingAborts(
						script, "--port", port, "--shardLimit", "100000",
						"--createStreamMs", delay, "--deleteStreamMs", delay, "--updateStreamMs", delay,
					)
				},
			}.run(tb)
		},
	}
}

// KinesisLocal is kinesis-local 0.6.2, kinesis-mock compiled to JavaScript: the
// widest API of all, slow, and in need of a first message on event streams. In
// CBOR it answers data as text in base64, and a connection that is reset ends it.
func KinesisLocal() Kind {
	return Kind{
		Name:         "kinesis-local",
		Capabilities: Capabilities{StreamARN: true, FanOut: true, LiveReads: true},
		start: func(tb testing.TB) running {
			tb.Helper()
			dir := filepath.Dir(installed(tb, "kinesis-local", "npm", "node_modules", "kinesis-local", "main.js"))
			_, tlsPort, err := net.SplitHostPort(freeAddress(tb))
			if err != nil {
				tb.Fatal(err)
			}
			delay := stateDelay() + "ms"
			return process{
				name:    "kinesis-local",
				command: node(tb),
				args:    func(string) []string { return []string{filepath.Join(dir, "main.js")} },
				env: func(port string) []string {
					return []string{
						"KINESIS_MOCK_CERT_PATH=" + filepath.Join(dir, "server.json"),
						"KINESIS_MOCK_PLAIN_PORT=" + port, "KINESIS_MOCK_TLS_PORT=" + tlsPort,
						"SHARD_LIMIT=100000", "ON_DEMAND_STREAM_COUNT_LIMIT=1000", "LOG_LEVEL=ERROR",
						"CREATE_STREAM_DURATION=" + delay, "DELETE_STREAM_DURATION=" + delay,
						"UPDATE_SHARD_COUNT_DURATION=" + delay, "SPLIT_SHARD_DURATION=" + delay,
						"MERGE_SHARDS_DURATION=" + delay, "REGISTER_STREAM_CONSUMER_DURATION=" + delay,
					}
				},
			}.run(tb)
		},
	}
}

// Ferrokinesis is ferrokinesis 0.7.0: native and wide. Records that are put at
// the same time may appear in another order than that of their numbers, and they
// arrive at whole seconds, half of them in the future.
func Ferrokinesis() Kind {
	return Kind{
		Name:         "ferrokinesis",
		Capabilities: Capabilities{FanOut: true, InitialResponse: true, CBOR: true},
		start: func(tb testing.TB) running {
			tb.Helper()
			program := installed(tb, "ferrokinesis", "cargo", "bin", executable("ferrokinesis"))
			delay := stateDelay()
			return process{
				name:    "ferrokinesis",
				command: program,
				args: func(port string) []string {
					return []string{
						"--port", port, "--shard-limit", "100000", "--log-level", "error",
						"--create-stream-ms", delay, "--delete-stream-ms", delay, "--update-stream-ms", delay,
					}
				},
			}.run(tb)
		},
	}
}

// installed returns the path of a file below the tools folder, which is part of
// the program what.
func installed(tb testing.TB, what string, path ...string) string {
	tb.Helper()
	file := filepath.Join(append([]string{Tools(tb)}, path...)...)
	if _, err := os.Stat(file); err != nil {
		Missing(tb, what)
	}
	return file
}

func node(tb testing.TB) string {
	tb.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		Missing(tb, "Node.js")
	}
	return path
}

// survivingAborts returns node's arguments for a script that must not end because a client
// went away in the middle of a request, as clients do that are killed or give a call up:
// kinesalite and dynalite throw what is reported on such a request.
func survivingAborts(script string, args ...string) []string {
	const handler = `process.on("uncaughtException", (err) => { if (err.code !== "ECONNRESET") throw err })`
	return append([]string{"--import", "data:text/javascript," + url.PathEscape(handler), script}, args...)
}

func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
