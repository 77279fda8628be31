// Package cli holds the commands of kin, one file per command.
//
// A command is a function of a context, its flags and arguments, an input and two
// outputs. Nothing here reads the process's own standard files or ends the
// process: [Run] takes the three streams and returns the exit code, so a test
// runs a whole command with buffers.
//
//	            args, stdin
//	                 |
//	Run ----> cobra command ----> config.go: AWS configuration, one client
//	 |               |                            |
//	 |               +--> kin.Reader, kin.Producer, SDK calls
//	 |               |
//	 |               +--> stdout: data only, text or one JSON object per line
//	 |               +--> stderr: progress, warnings
//	 |
//	 +--> explain.go: error -> one line on stderr, exit code
//
// What holds for every command:
//
//   - Standard output carries data and nothing else. Progress, warnings and errors
//     go to standard error. Colours and redrawn lines appear only on a terminal.
//   - With -o json each line of standard output is one JSON object.
//   - An error is one line, "kin put: what happened; what to do", and an exit code
//     from exit.go. There is one place that turns errors of the SDK, the network
//     and the library into that line: explain.go.
//   - Every command ends soon after its context is cancelled, and nothing that it
//     started runs on.
package cli
