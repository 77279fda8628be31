// Package memnet is a network in memory: a [Listener] that programs in one process dial, and connections ([Conn]) that
// behave as TCP connections do, without ports, without the kernel, and inside a testing/synctest bubble.
//
//	   Dial                                       Accept
//	     |                                           |
//	+---------+        +------------------+        +---------+
//	|         | -----> | pipe, <= 256 KiB | -----> |         |
//	| Conn a  |        +------------------+        | Conn b  |
//	|         | <----- | pipe, <= 256 KiB | <----- |         |
//	+---------+        +------------------+        +---------+
//
// # What holds
//
//   - A connection is full duplex, ordered and loses nothing. Each direction holds at most its buffer's size; a writer that is
//     ahead of its reader waits.
//   - [Conn.CloseWrite] ends one direction: the peer reads what was written and then io.EOF, and can go on writing.
//   - [Conn.Close] ends both: the peer reads what was written and then io.EOF, and its writes fail. A Read or Write that waits
//     on the closed side returns net.ErrClosed.
//   - [Conn.Cut] is a broken cable: what is in flight is lost and both sides fail with a connection reset.
//   - Deadlines work as net.Conn describes: an expired one fails what waits and what comes, with an error that is
//     os.ErrDeadlineExceeded, until it is moved.
//   - A goroutine that waits here waits on a sync.Cond or a channel, never on a mutex that somebody holds while waiting. That
//     is what a synctest bubble calls durably blocked, so fake time passes. No goroutine is started; the only timers are those
//     of deadlines, and Close stops them.
package memnet
