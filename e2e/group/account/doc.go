// Package account compares what was put into streams with what the workers of a group handled.
//
// It takes three kinds of logs: of the feeder (what was acknowledged, and when), of the
// workers' handlers (what they were given, when, under which epoch, and when they were done),
// and of an observer who looks at the rows of the group. It shares no code with the library.
//
//	violations, which must not be            figures, which a scenario bounds or prints
//	  lost        never done                   doubled   deliveries beyond the first
//	  unknown     nobody put it                replay    how far back a new owner began
//	                                           redone    records of replays that were done,
//	                                                     not in hand and not failed
//	  reordered   before an earlier record     gap       records there, and nothing delivered
//	              of its key was done          overlap   two owners in a handler at once
//	  disorder    back in its shard, within    late      given with a cancelled context
//	              one epoch
//	  zombie      begun by a former owner
//	              after the next one began
//	  refused     a former owner's checkpoint
//	  not         was accepted
//	  passed      a stored checkpoint is
//	              beyond what was done
//	  back        a row went back
//
// A record is done when a handler that was given it has returned without an error. A key's
// records are counted by the feeder, wherever they are: since the order per key spans shards,
// a child that is read before its parents are done shows as reordered, and a skipped record
// shows at the next one of its key, before it counts as lost.
package account
