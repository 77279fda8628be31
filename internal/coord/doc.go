// Package coord is a worker's part in the protocol of package lease: which leases to
// take, hand over and finish, when to send heartbeats and to look, and when to stop.
//
// All of it is decided by a [Machine], which is pure: it is told events with the time at
// which they happened, and answers with actions. It has no clock, no goroutine and no
// randomness of its own, so that a simulation can run whole groups of Machines
// through years of trouble, and replay a run from its seed. A [Worker] is the loop
// around a Machine: it does the actions and tells it how they ended.
//
//	       store, service                     reads and handles shards
//	         ^       |                             ^           |
//	  calls  |       | answers        StartShard   |           | Progress, Ended
//	         |       v                StopShard    |           v Stopped
//	   +-----------------------------------------------------------+
//	   | Worker: does actions, in goroutines where they take time   |
//	   +-----------------------------------------------------------+
//	         ^       |
//	actions  |       | events, time
//	         |       v
//	   +-----------------------------------------------------------+
//	   | Machine: what I know, what I own, what is under way        |
//	   |   assign: rows -> plan          discover: listing -> rows  |
//	   +-----------------------------------------------------------+
//
// # The life of a lease, as its owner sees it
//
//	state      how it comes                              how it goes on
//	taking     the plan says ours, and nobody has it     made: reading. Refused: gone
//	reading    it is ours                                plan says another's: moving. All done: ending
//	moving     the heir may not look often yet           it does, or had time to: stopping. Ours again: reading
//	stopping   the reader was told, and has not answered it has: releasing. Ours again: reading. All done: ending
//	releasing  nothing reads it any more                 the heir is the owner: gone. Ours again: reading
//	ending     all records are done                      children have leases, then the end is stored: gone
//	losing     from each: another owner, or our row gone the reader has answered: gone
//
// In each state at most one change of the lease is in flight. What a change should be is found
// out when it is sent; from then on it stays as it is, and one whose outcome is not known is
// tried again until it is: the store recognises a change that was made. What follows is always
// read off the newest row, never off the answer, so it makes no difference whether an answer, a
// load or another worker's change tells it first.
//
// # What is newer
//
// A call that was asked for after something was learned is newer than that, because stores are
// linearizable. Of two rows neither of which is known to be newer, the one with the higher
// revision is. So rows don't go back, and one that was deleted does not come back from a load
// that was under way. Polls and loads are never under way together: so what is known of the
// workers is newer than what loads said of leases, and a lease whose owner is missing among
// them is nobody's. What a change taught of a lease may be newer than that; then a load has to
// come first.
//
// # Whether the service answers
//
// The Machine is told when calls of the service begin to fail and when they work again ([Served]), and
// asks for a [Probe] now and then while they fail. From that follows whether the worker's row says
// that it is unable, which is all that others need to know: the plan does the rest. What the worker
// adds to that is patience: see "A worker that can't read" in package lease. Its leases stay in
// state moving meanwhile, and are read, or tried to be.
//
// # What it costs
//
// A Step with a Tick or Progress does not depend on the number of leases. A poll is looked
// through worker by worker, a load lease by lease, and a plan is computed when something
// changed that it follows from.
//
// # What proves it
//
// Of the invariants of package lease: 1, 2 and 10 TestCheckpoints and TestOperator; 3 and 5
// TestMembership and the scripts merge, stale, renamed and formerbeat; 4 every script; 6 TestTrust,
// TestOutage, TestLostAnswers and the scripts trust, proof and lateproof; 7 TestDeadWorker and the scripts
// dead and suspect; 8 and 9 TestShardEnds. That a lost answer changes nothing: TestLostAnswers,
// TestAnswersThatNeverCome and the scripts unknown, poisoned and refused. That workers leave in
// order beside others: TestLeave, TestLeavingTogether. That heirs look when a lease is stopped:
// TestHandOver and the scripts heirs, newheirs, drainedheirs, settle, standin, passon and handback. That a
// worker which can't join gets nothing, and keeps nobody from reading: the script unbegun,
// TestWorkersThatDieAsTheyJoin. That a worker which can't read gives its leases to those that can, and
// only then: TestWorkersThatCannotRead. That one worker writes the first leases: TestFirstLeases. Rates:
// TestIdleCost, TestWorkers. All of it together: package sim. Scripts are in testdata.
package coord
