// Package client tests kin's Reader, Producer and wire against Kinesis servers
// written by others, and against kintest in the same way. It has only tests.
//
// What a stream was given is known record by record, so that each test ends in an
// account: nothing lost, nothing doubled, nothing out of order.
package client
