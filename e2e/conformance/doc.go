// Package conformance asks Kinesis servers the same questions and compares the
// answers with what the service documents.
//
// A [Check] is one question in one sentence, with the calls that find out, made
// with the plain SDK client. [Run] asks all of them of one server:
//
//	Checks ──> probe (SDK client, own streams) ──> server
//	                  │
//	                  └─> failures ── compared with deviations/<server>.txt
//
// A server other than ours may deviate from the service. Its known deviations
// are listed in a file, one a line, each with what was seen; a check that fails
// without a line fails the test, and so does a line whose check passes. For
// kintest there is no such file: it must answer every question right.
//
// The time that state changes take is real here, because the servers are other
// processes; the checks wait for states, never for a fixed time, but for the one
// that needs two different arrival times.
package conformance
