package dynamostore

import "github.com/kinstream/kin/lease"

// Decode reads one row of any kind.
func Decode(i item) (lease.Snapshot, error) {
	var s lease.Snapshot
	err := add(&s, i)
	return s, err
}

// Encode returns a lease as it is stored.
func Encode(group string, l lease.Lease) item {
	i := leaseKey(group, l.Key).item()
	var u update
	putLease(&u, l)
	for name, value := range u.values {
		i[name[1:]] = value
	}
	return i
}
