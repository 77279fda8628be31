// Package leasetest is the suite that every [lease.Store] has to pass, and a store with faults
// for tests of those who use one.
//
// # Testing a store
//
//	func TestStore(t *testing.T) {
//		server := start(t)
//		leasetest.Run(t, func(t testing.TB) lease.Store {
//			return mystore.New(connect(t, server))
//		})
//	}
//
// [Run] asks for several clients of one store and uses them as if they were in different
// processes. Each of its tests has groups of its own with names that nobody else uses, and
// deletes them at its end, so that the rows may be kept in a table that is shared with others.
// It checks each sentence of the store's contract, with calls one after the other, and with
// many at the same time:
//
//	clients ---- calls at the same time, some answers lost ----> store
//	   |                                                           |
//	   |   when each call began and ended, what it wrote and saw   |
//	   +-----------------------> history <-------------------------+
//	                                |
//	            could one copy of each row, changed and read
//	            one step after the other, have answered so?
//
// The revision of a row makes that question easy: it says in which order the changes were made.
// So each revision has one content; whoever begins to read after another has ended sees no
// older revision; and whoever sees a version of the group also sees the changes that it stands
// for.
//
// # Testing with a store that fails
//
// [NewFaulty] puts a store in front of another one that loses answers, delays requests, refuses
// calls, or is down, by script or by seed, and counts what is called:
//
//	store := leasetest.NewFaulty(memstore.New())
//	store.Inject(leasetest.OpUpdate, leasetest.Lost())         // the next Update is done, but its answer is lost
//	store.SetOutage(leasetest.Hanging)                         // from now on all calls hang
//	store.Decide(leasetest.Random(seed, leasetest.Rates{       // all calls, by seed
//		Lost: 0.02, Dropped: 0.02, Late: 0.1, MaxDelay: time.Second,
//	}))
//
// It works in synctest bubbles.
package leasetest
