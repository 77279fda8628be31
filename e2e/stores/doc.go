// Package stores has the tests that run the lease stores against real servers: all of
// package leasetest with several clients, races of many workers for one row, and what the
// rows cost.
package stores
