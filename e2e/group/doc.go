// Package group tests consumer groups as users run them: each worker is a process of
// its own, against Kinesis servers and stores that others wrote, and is killed, stopped,
// cut off and restarted while records come in. It has only tests.
//
//	feeder --puts--> Kinesis server --------------------+
//	  |                                                 | proxy per worker
//	  | what was acknowledged                           v
//	  |                                      worker processes, each with a log of
//	  |                     observer         what its handler was given, and when
//	  |                     looks at rows           |       ^
//	  |                        |                    |       | proxy per worker
//	  v                        v                    v       v
//	account: lost, doubled, reordered, gaps,    logs      store
//	overlaps, checkpoints  <----------------------+
//
// A test is a scenario: it starts workers, does something to them, waits until all that
// was put has been handled, and stops everything. Then package account compares the three
// logs. Nothing that the library says about itself goes into the account but the epoch of
// a batch; the rest is what the feeder, the handlers and the rows show.
//
//   - trace: what the logs hold, and how they are written so that kill -9 costs no line;
//   - account: the comparison, with tests of its own that show it failing;
//   - proxy: a TCP proxy that cuts, blackholes, or loses one direction;
//   - worker: the program of a worker.
//
// TestGroups plays each scenario once, with servers that suit it; make soak plays them with new
// seeds and in all combinations of servers and stores, for as long as one likes.
package group
