// Package bench measures kin serve beside kinesalite and beside a server that
// answers with a constant, which is what the client alone costs: same machine,
// same run, same plain SDK client, each server a process of its own, over
// HTTP/1.1 on loopback.
//
// It also measures what putting costs the client, with a Producer and with a plain loop,
// against kinesalite, and how long a Producer lets records wait at a low rate. It has only benchmarks;
// make bench runs them together with those of the codec, the reader and the producer against kintest, and prints
// what belongs together side by side.
package bench
