// Package sim runs whole groups under virtual time, does to them whatever may happen in years
// of operation, and has the history judged by package history. It is the proof of package
// lease: see docs/simulation.md for use.
//
//	Generate(seed) -> Scenario -> Run -> history -> Checker -> violation? -> Shrink
//
//	    steps: crash, freeze, split, ...     noise: lost answers, delays, ...
//	                 |                                 |
//	   +-------------v-------------+         +---------v---------+
//	   | hosts: processes with     |  calls  | table: what a     |
//	   |   coord.Machine           |-------->|   lease.Store does|
//	   |   readers and handlers    |<--------|                   |
//	   |   a clock of their own    |         +-------------------+
//	   |                           |         +-------------------+
//	   |                           |<--------| service: shards   |
//	   +---------------------------+         +-------------------+
//	                 |  what happens, in true time    |
//	                 +---------------+----------------+
//	                                 v
//	                          history.Checker
//
// # What is real and what is not
//
// The decisions are those of production: coord.Machine, and with it packages assign and
// discover. All else is simulated: the store as a table whose calls are made in steps, each of
// which may be lost, late or done twice; streams as counters of records that are put, split,
// merged and trimmed; processes with a clock that runs up to two percent fast or slow; handlers
// that are slow, fail, or ignore that their context is cancelled.
//
// One thread does it all, in the order of virtual time, and all chance comes from the seed. So
// the same seed gives the same history, event by event, and a failure can be looked at for as
// long as it takes.
//
// A run has three parts. In the first one the steps and the noise of the scenario happen. Then
// nothing fails any more, and within a bounded time every record must have been handled and be
// behind a checkpoint, and shares be even. At the end, in a calm group under load, a worker
// joins and another one leaves: no record may be handled twice, and no shard be unread for
// long.
//
// The second level, real Consumers with the SDK's client in a testing/synctest bubble, is in
// the tests of this package. It has the same judge.
package sim
