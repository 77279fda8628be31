// Package memstore keeps the leases of groups in memory: for tests, and for programs of one
// process that need no checkpoint after they have ended.
//
//	store := memstore.New()
//	consumer, err := kin.NewConsumer(client, kin.ConsumerConfig{
//		Stream: "orders",
//		Group:  "billing",
//		Store:  store,
//	}, handler)
//
// Consumers of one process share a group by sharing the store. Other processes can't see
// it: use package sqlstore or dynamostore there.
//
// It is also the model of a store. Each call is one step, done under one lock, so that the
// contract of [lease.Store] can be read off the code; package leasetest holds all other stores
// to the same.
//
//	Store --mu--> group "billing"   version
//	         |                      workers, by ID
//	         |                      streams, by ARN
//	         |                      leases, by stream and shard
//	         +--> group "search"    ...
//
// Rows are copied on their way in and out: callers may do with theirs what they like.
package memstore
