// Package dispatch decides when records are handed to handlers: not when the leases are not
// to be trusted ([Gate]), and in order within a lane ([Lanes]). What is handed over, and what
// follows from the answer, is the caller's business.
//
//	shard 0 -> batch -> Gate.Enter ---------------------------> handler(ctx)
//	                      |  waits while there is no trust         ^
//	                      v                                        | cancelled with the cause
//	                    period: a context that ends with the trust-+
//
//	shard 1 -> batch -> by partition key -> lane 0: Gate.Enter -> handler
//	                                        lane 1: Gate.Enter -> handler
//	                                        lane 2  (idle: no goroutine)
//
// What holds:
//
//   - After the moment up to which there is trust, no caller gets through the Gate. One that
//     got through before holds a context that is cancelled then.
//   - The contexts of a period have its end as their cause, and end in the same moment.
//   - What is put into one lane is done one after the other, in the order in which it was put.
//     A lane in which nothing is waiting or being done has no goroutine.
package dispatch
