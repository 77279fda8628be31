// Package trace is what feeder and workers write down while a scenario runs: entries, one JSON
// object per line, each written by one write call to a file that is only appended to.
//
// A line is in the file when the call has returned, whatever happens to the process then. A
// process that is killed in the middle of a line leaves one without an end, which is not read:
// its handler had not returned. Nothing is synced to disk, since processes are killed here and
// not machines.
//
// Times are those of a [Clock]: the wall clock at the start of the process, moved on by the
// monotonic clock. On one machine they can be compared between processes, and setting the wall
// clock does not disturb them.
package trace
