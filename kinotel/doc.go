// Package kinotel measures producers and consumers of package kin with OpenTelemetry.
//
// Most instruments are observable: at each collection they are told what [kin.Producer.Stats] and
// [kin.Consumer.Shards] say. What these do not have is measured by hooks as it happens:
//
//	kin.Producer -- hooks ----> histogram, counter ---+
//	             <- Stats() --- at each collection ---+
//	                                                  +--> metric.MeterProvider --> readers, exporters
//	kin.Consumer -- hooks ----> histogram, counters --+
//	             <- Shards() -- at each collection ---+
//
// Metrics are made before the producer or the consumer, whose hooks they become, and then watch it:
//
//	metrics, err := kinotel.NewProducerMetrics(provider, kinotel.ProducerConfig{}) // or NewConsumerMetrics
//	...
//	cfg.Hooks = metrics.Hooks(cfg.Hooks)
//	producer, err := kin.NewProducer(client, cfg)
//	...
//	metrics.Watch(producer)
//
// This package needs OpenTelemetry's API only. How long each record takes is in package histogram, which needs the SDK, and says
// why. A Producer is measured at the cost of one look at all its shards for each collection, and one value for each call; a Consumer at
// that of one value or two for each page and for each call of the handler.
//
// # Names
//
// Names are those of the semantic conventions for messaging where these have one. They have none for Kinesis itself, so
// messaging.system, which all series have, is aws.kinesis, formed as for its siblings. In the tables,
//
//	S   messaging.destination.name           the stream, as configured
//	P   messaging.destination.partition.id   the shard
//	O   messaging.operation.name             PutRecords, handle, or the call that was made again
//	T   messaging.operation.type             send, process
//	E   error.type                           the service's code, panic, cancelled or _OTHER; absent without an error
//
// and G is a gauge, C a counter, H a histogram. All seconds are s, all bytes By, the rest counts or is 0 or 1.
//
// # Producers
//
// Series with P are those of open shards, MaxShards of each stream at most. Counters of a stream have closed shards too.
//
//	messaging.client.operation.duration {S,O,T,E}          H  PutRecords calls
//	messaging.client.sent.messages {S,O,E}                 C  user records answered, with E if with an error
//
//	kin.producer.limit {kin.limit}                         G  1 for what limited the throughput since the collection before (see kin.Limit), else 0
//	kin.producer.buffer.usage {}                           G  bytes that the buffer holds
//	kin.producer.buffer.limit {}                           G  MaxBufferedBytes
//	kin.producer.unanswered.records {}                     G  user records accepted and not answered
//	kin.producer.inflight.limit {}                         G  MaxInFlight
//	kin.producer.inflight.full.time {}                     C  seconds in which so many calls were out
//	kin.producer.waiting.puts {}                           G  Puts that wait for room in the buffer
//	kin.producer.blocked.puts {}                           C  Puts that had to
//	kin.producer.blocked.time {}                           C  for how many seconds, those that are done waiting
//	kin.producer.shard.limit.bytes {}                      G  what one shard is given at most in a second; absent if there is no limit
//	kin.producer.shard.limit.records {}                    G  the same in Kinesis records
//
//	kin.producer.accepted.records {S}                      C  user records accepted
//	kin.producer.accepted.bytes {S}                        C  their data and keys
//	kin.producer.stored.records {S}                        C  user records stored
//	kin.producer.stored.bytes {S}                          C  their data and keys
//	kin.producer.recovered.records {S}                     C  user records stored after failed attempts
//	kin.producer.retried.records {S}                       C  times that a user record was to be put again
//	kin.producer.failed.records {S}                        C  user records answered with an error
//	kin.producer.kinesis.records {S}                       C  Kinesis records stored
//	kin.producer.kinesis.bytes {S}                         C  their data and keys
//	kin.producer.throttled.kinesis_records {S}             C  Kinesis records refused because of a throughput limit
//	kin.producer.strayed.kinesis_records {S}               C  Kinesis records stored in another shard than expected
//	kin.producer.repeated.records {S}                      C  user records put again for that
//	kin.producer.buffered.records {S}                      G  user records that wait for a call
//	kin.producer.inflight.calls {S}                        G  PutRecords calls that are out
//	kin.producer.landed.kinesis_records {S}                G  Kinesis records in unexpected shards that are to be judged
//	kin.producer.oldest {S}                                G  seconds that the oldest record has waited for a call
//	kin.producer.open_shards {S}                           G  open shards; 0 if they are not known
//	kin.producer.shards_known {S}                          G  1 if they are, else 0
//	kin.producer.service_distributes {S}                   G  1 if the service chooses the shards of records, else 0
//	kin.producer.aggregating {S}                           G  1 if records are aggregated, else 0
//	kin.producer.stopped {S}                               G  1 while the stream stands still because calls fail, else 0
//	kin.producer.stopped.time {S}                          C  seconds in which it did
//	kin.producer.lane.time {S,kin.state}                   C  seconds of all shards together, by what held up their records
//	kin.producer.shard_map.changes {S}                     C  times that the open shards were found to be others
//
//	kin.producer.shard.accepted.records {S,P}              C  as those of streams, for one shard
//	kin.producer.shard.accepted.bytes {S,P}                C
//	kin.producer.shard.stored.records {S,P}                C
//	kin.producer.shard.stored.bytes {S,P}                  C
//	kin.producer.shard.recovered.records {S,P}             C
//	kin.producer.shard.retried.records {S,P}               C
//	kin.producer.shard.failed.records {S,P}                C
//	kin.producer.shard.kinesis.records {S,P}               C
//	kin.producer.shard.kinesis.bytes {S,P}                 C
//	kin.producer.shard.throttled.kinesis_records {S,P}     C
//	kin.producer.shard.strayed.kinesis_records {S,P}       C
//	kin.producer.shard.repeated.records {S,P}              C
//	kin.producer.shard.buffered.records {S,P}              G
//	kin.producer.shard.buffered.bytes {S,P}                G  what these hold of the buffer
//	kin.producer.shard.inflight.kinesis_records {S,P}      G  in calls, or to be judged
//	kin.producer.shard.oldest {S,P}                        G
//	kin.producer.shard.pace {S,P}                          G  to how much of the shard's limits the producer keeps: below 1 after refusals
//	kin.producer.shard.lane.time {S,P,kin.state}           C
//	kin.producer.shard.buffer.time {S,P}                   C  seconds from the acceptance of user records to their first calls, in sum
//	kin.producer.shard.begun.records {S,P}                 C  user records that had a first call
//	kin.producer.shard.delay.time {S,P}                    C  seconds from the acceptance of user records to their answers, in sum
//
// Values of kin.state: idle (there were none), gathering (Linger), ready (a call), limited (the shard's limits), paused (after
// failures), held (order).
//
// # Consumers
//
// All have messaging.consumer.group.name. Series with P exist while this worker owns the shard; their counters begin at
// 0 when it takes it.
//
//	messaging.process.duration {S,O,T,E}                   H  calls of the handler
//	messaging.client.consumed.messages {S,O,E}             C  user records given to it, again with each attempt
//
//	kin.consumer.owned_shards {S}                          G  shards that this worker reads now, also 0
//	kin.consumer.shard.lag {S,P}                           G  seconds that the newest page was behind the tip; absent until known
//	kin.consumer.shard.records {S,P}                       C  user records acknowledged
//	kin.consumer.shard.bytes {S,P}                         C  their data and partition keys
//	kin.consumer.shard.unacked.records {S,P}               G  delivered, or waiting in lanes, and not acknowledged
//	kin.consumer.shard.failures {S,P}                      G  calls of Kinesis that have failed in a row
//	kin.consumer.shard.handler_failures {S,P}              G  times in a row that the handler has failed
//	kin.consumer.shard.stuck {S,P}                         G  seconds that nothing has moved although something should; 0 if all is well
//	kin.consumer.shard.stopping {S,P}                      G  1 while the shard is being given up, else 0
//	kin.consumer.shard.starts {S}                          C  shards that this worker began to read
//	kin.consumer.shard.stops {S,kin.reason}                C  shards that it ceased to read: shard_end, handed_over, lease_lost, leaving
//	kin.consumer.shards_gone {S}                           C  shards that were trimmed before they were read to their end: data was lost
//	kin.consumer.fetches {S}                               C  answers of GetRecords, also empty ones
//	kin.consumer.fetched.records {S}                       C  records in them, as the service counts
//	kin.consumer.fetched.bytes {S}                         C  bytes of these
//	kin.consumer.retries {S,O,kin.reason}                  C  calls that failed and were made again: throttled, failed
//	kin.consumer.skipped.records {S}                       C  user records passed over because the handler failed
//	kin.consumer.bad.records {S}                           C  records that could not be unpacked
//	kin.consumer.out_of_range.records {S}                  C  user records that belong to another shard
//	kin.consumer.group.events {kin.event}                  C  what happened in the group, as lease_taken or store_failed: see kin.GroupEvent
package kinotel
