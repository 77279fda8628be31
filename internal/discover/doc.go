// Package discover decides which leases a group needs for the shards of a stream, where they
// begin, which may be read, and which are over. It is pure: listings, the ends of shards and rows go in,
// rows to create and to delete come out. The rules are those of package lease, "Shards".
package discover
