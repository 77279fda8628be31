// Package dynamostore keeps the leases of groups in one DynamoDB table.
//
//	store, err := dynamostore.New(dynamodb.NewFromConfig(cfg), dynamostore.Config{Table: "kin"})
//	if err != nil {
//		return err
//	}
//	if err := store.CreateTable(ctx, dynamostore.TableConfig{}); err != nil {
//		return err
//	}
//	consumer, err := kin.NewConsumer(client, kin.ConsumerConfig{Store: store, Group: "billing", ...}, handler)
//
// # The table
//
// One table serves all groups. Its partition key is part and its sort key is row, both strings;
// it has no index and no stream, and no call is a transaction.
//
//	part              row                                        other attributes
//	+---------------+------------------------------------------+--------------------------------------
//	| groups        | billing                                  | created
//	| groups        | search                                   | created
//	+---------------+------------------------------------------+--------------------------------------
//	| billing/group | version                                  | version
//	|               | worker#web-1-k3x9                        | beat seen streams capacity draining
//	|               |                                          | ttl build joined
//	|               | worker#web-2-q71c                        |
//	+---------------+------------------------------------------+--------------------------------------
//	| billing/lease | lease#arn:...:stream/orders#shardId-...0 | owner epoch revision checkpoint saved
//	|               | lease#arn:...:stream/orders#shardId-...1 | load pin parents from to
//	|               | stream#arn:...:stream/orders             | created start seeded revision
//	+---------------+------------------------------------------+--------------------------------------
//
// So a poll is one Query of few rows: the version with all workers. A load is three calls, which
// must follow each other: the version, the leases with the streams, the workers. A heartbeat and
// a change of a lease are one UpdateItem each. All keys of a group but one begin with its name,
// so that a policy can hold a worker to its group (dynamodb:LeadingKeys); the exception is its
// name in the partition "groups", for which listing the groups costs one Query.
//
// All of a row is below 1 KB unless names are very long, so that writing it takes one write
// unit. A lease of usual names takes about 400 bytes, a worker about 250. A text is at most 255
// bytes long (package lease), so that no row comes near the 400 KB that DynamoDB allows and no
// sort key is longer than its 1,024 bytes.
//
// An attribute that is empty, zero or false is absent, except for what is counted. Attributes
// and rows that this version does not know stay as they are: rows that exist are written by
// UpdateItem only. Times are for people, in RFC 3339; a reset of the table to an older state,
// as from a backup, would set groups back.
//
// # What holds
//
//   - All reads are strongly consistent. So a global table that is written in several
//     regions can't keep one group, since its regions agree only after a while.
//   - Each change of a lease is one UpdateItem or DeleteItem on the condition that the row has
//     the revision of Change.Old. If the condition fails, the row comes with the failure, or is
//     read after it where the server sends none. A row that is as the change wants it was
//     written by the change itself, whose answer got lost on the way: also when the SDK
//     made the second attempt, and nobody else knew.
//   - The version rises after the last change of an Update, in a call of its own. When a
//     process dies between the two, the change stands unannounced: other workers see it with
//     the next rise of the version, or when they load without one, which they do now and then
//     for this reason. An error of Update has the version raised too, if a change was made, and
//     its caller asks again until it knows the outcome; so the version may rise twice.
//   - A group is in the partition "groups" before it has a version. Only rows of a process that
//     died within its first Join of a new group can be missing there, until anybody joins.
//
// # Retries
//
// The SDK tries a call again as its client is configured, three times as a rule, but waits no
// longer in between than is said here: by itself it may wait for 2 seconds after the first
// failure, and a heartbeat has not much more. On top of that a call is made again here when the
// service refused it for being busy, or because somebody else has the row in a transaction, when
// it failed inside, and when it gave no answer within Config.CallTimeout: up to ten times, with
// waits that grow from 50 ms to 2 seconds, and never past the end of the context. Each part of a
// batch is tried on its own. All calls may be made twice: conditions recognise what was done,
// and counters only have to rise.
//
// # Other servers
//
// Servers that answer without the header x-amz-crc32 make the SDK warn at each answer. Against
// those, set DisableValidateResponseChecksum in the options of the client.
package dynamostore
