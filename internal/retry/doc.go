// Package retry says how long to wait before another attempt. It only computes:
// the caller waits, and decides what is worth another attempt and for how long.
//
//	failures in a row      1       2       3       4      ...   from Max on
//	longest wait         Base   2*Base  4*Base  8*Base    ...   Max
//
// The wait is random between half of that and all of it. The half that is fixed
// keeps the pressure off; the half that is random keeps clients that failed
// together from coming back together.
package retry
