// Package worker is the program of one worker of a group under test: a [kin.Consumer] whose
// handler writes down what it is given. It runs as a process of its own, so that it can be killed.
//
// Its settings come as JSON. SIGTERM and the end of standard input stop it in order. A line
// "streams A B" on standard input changes the streams that it reads.
package worker
