// Package client tests kin's Reader, Producer and wire against Kinesis servers
// written by others, and against kintest in the same way. It has only tests.
//
// What a stream was given is known record by record, so that each test ends in an
// account: nothing lost, nothing doubled, nothing out of order.
//
// Packed records go to programs of others and come from them, which are in e2e/sdk and talk in lines:
//
//	Producers  ──> a server of each kind ──┬─> Reader
//	KPL (TLS)  ──>     splits, merges      ├─> SDK for Java + KCL's unpacking
//	Python     ──>                         └─> boto3 + the library for Python
package client
