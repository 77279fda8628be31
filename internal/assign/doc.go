// Package assign decides which worker of a group reads which shard. It is pure, and
// the same input gives the same plan everywhere, so that all workers of a group find the same one
// without asking each other.
package assign
