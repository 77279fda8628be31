// Package kinprom shows in Prometheus how producers and consumers of package kin are doing.
//
// A collector counts what hooks tell, and asks for the rest at each scrape:
//
//	kin.Producer -- hooks ----> counters, histogram --+
//	             <- Stats() --- at each scrape -------+
//	                                                  +-- Collect --> registry --> promhttp
//	kin.Consumer -- hooks ----> counters, histogram --+
//	             <- Shards() -- at each scrape -------+
//
// It is made before the producer or the consumer, whose hooks it becomes, and then watches it:
//
//	metrics := kinprom.NewConsumerCollector("billing") // or NewProducerCollector
//	registry.MustRegister(metrics)
//	cfg.Hooks = metrics.Hooks(cfg.Hooks)
//	consumer, err := kin.NewConsumer(client, cfg, handler)
//	...
//	metrics.Watch(consumer)
//
// The folder dashboard has a dashboard for Grafana, kin.json, and alerts, rules.yaml. What they mean is in docs/metrics.md.
//
// In the tables, G is a gauge, C a counter, H a histogram, S a sum and a count (a summary without quantiles, or a histogram: see
// ProducerConfig.ShardHistograms), and all labels stream are streams as configured.
//
// # Metrics of producers
//
// User records are those that are put. Kinesis records are what the service gets and counts: with aggregation one has many
// user records in it, and how many on average is
//
//	rate(kin_producer_stored_records_total[5m]) / rate(kin_producer_kinesis_records_total[5m])
//
// Series with a label shard are those of open shards, if they are known, MaxShards of each stream at most, 27 for each. Counters of a
// stream have closed shards too. The states of lane_seconds, which say what held up the records of a shard: idle (it had
// none), gathering (Linger), ready (a call), limited (the shard's limits), paused (after failures), held (order).
//
//	kin_producer_limit{limit}                                            G  1 for what limited the throughput since the scrape before (see kin.Limit), else 0
//	kin_producer_buffered_bytes{}                                        G  what the buffer holds
//	kin_producer_max_buffered_bytes{}                                    G  MaxBufferedBytes
//	kin_producer_unanswered_records{}                                    G  user records accepted and not answered
//	kin_producer_max_inflight_calls{}                                    G  MaxInFlight
//	kin_producer_full_seconds_total{}                                    C  time in which so many calls were out
//	kin_producer_waiting_puts{}                                          G  Puts that wait for room in the buffer
//	kin_producer_blocked_puts_total{}                                    C  Puts that had to
//	kin_producer_blocked_seconds_total{}                                 C  for how long, those that are done waiting
//	kin_producer_shard_max_bytes_per_second{}                            G  what one shard is given at most; absent if there is no limit
//	kin_producer_shard_max_records_per_second{}                          G  the same in Kinesis records
//
//	kin_producer_accepted_records_total{stream}                          C  user records accepted
//	kin_producer_accepted_bytes_total{stream}                            C  their data and keys
//	kin_producer_stored_records_total{stream}                            C  user records stored
//	kin_producer_stored_bytes_total{stream}                              C  their data and keys
//	kin_producer_recovered_records_total{stream}                         C  user records stored after failed attempts
//	kin_producer_retried_records_total{stream}                           C  times that a user record was to be put again
//	kin_producer_failed_records_total{stream}                            C  user records answered with an error
//	kin_producer_kinesis_records_total{stream}                           C  Kinesis records stored
//	kin_producer_kinesis_bytes_total{stream}                             C  their data and keys
//	kin_producer_throttled_kinesis_records_total{stream}                 C  Kinesis records refused because of a throughput limit
//	kin_producer_strayed_kinesis_records_total{stream}                   C  Kinesis records stored in another shard than expected
//	kin_producer_repeated_records_total{stream}                          C  user records put again for that
//	kin_producer_buffered_records{stream}                                G  user records that wait for a call
//	kin_producer_inflight_calls{stream}                                  G  PutRecords calls that are out
//	kin_producer_landed_kinesis_records{stream}                          G  Kinesis records in unexpected shards that are to be judged
//	kin_producer_oldest_seconds{stream}                                  G  how long the oldest record has waited for a call
//	kin_producer_open_shards{stream}                                     G  open shards; 0 if they are not known
//	kin_producer_shards_known{stream}                                    G  1 if they are, else 0
//	kin_producer_service_distributes{stream}                             G  1 if the service chooses the shards of records, else 0
//	kin_producer_aggregating{stream}                                     G  1 if records are aggregated, else 0
//	kin_producer_stopped{stream}                                         G  1 while the stream stands still because calls fail, else 0
//	kin_producer_stopped_seconds_total{stream}                           C  time in which it did
//	kin_producer_lane_seconds_total{stream,state}                        C  time of all shards together, by what held up their records
//	kin_producer_buffer_seconds{stream}                                  H  from the acceptance of user records to their first calls
//	kin_producer_delay_seconds{stream}                                   H  from their acceptance to their answers
//
//	kin_producer_shard_accepted_records_total{stream,shard}              C  as those of streams, for one shard
//	kin_producer_shard_accepted_bytes_total{stream,shard}                C
//	kin_producer_shard_stored_records_total{stream,shard}                C
//	kin_producer_shard_stored_bytes_total{stream,shard}                  C
//	kin_producer_shard_recovered_records_total{stream,shard}             C
//	kin_producer_shard_retried_records_total{stream,shard}               C
//	kin_producer_shard_failed_records_total{stream,shard}                C
//	kin_producer_shard_kinesis_records_total{stream,shard}               C
//	kin_producer_shard_kinesis_bytes_total{stream,shard}                 C
//	kin_producer_shard_throttled_kinesis_records_total{stream,shard}     C
//	kin_producer_shard_strayed_kinesis_records_total{stream,shard}       C
//	kin_producer_shard_repeated_records_total{stream,shard}              C
//	kin_producer_shard_buffered_records{stream,shard}                    G
//	kin_producer_shard_buffered_bytes{stream,shard}                      G  what these hold of the buffer
//	kin_producer_shard_inflight_kinesis_records{stream,shard}            G  in calls, or to be judged
//	kin_producer_shard_oldest_seconds{stream,shard}                      G
//	kin_producer_shard_pace_ratio{stream,shard}                          G  to how much of the shard's limits the producer keeps: below 1 after refusals
//	kin_producer_shard_lane_seconds_total{stream,shard,state}            C
//	kin_producer_shard_buffer_seconds{stream,shard}                      S
//	kin_producer_shard_delay_seconds{stream,shard}                       S
//
// By hooks, absent until they count something:
//
//	kin_producer_calls_total{stream,outcome}                             C  PutRecords calls: ok, partial (some records not stored), failed
//	kin_producer_call_seconds{stream}                                    H  how long they took
//	kin_producer_failures_total{stream,reason,ambiguous}                 C  user records answered with an error: expired, closed, invalid, unordered, refused
//	kin_producer_shard_map_changes_total{stream}                         C  times that the open shards were found to be others
//
// # Metrics of consumers
//
// All have the label group. Labels stream are the stream as configured. Those with a label shard exist while this worker owns the
// shard; their counters begin at 0 when it takes it. All others count for as long as the collector exists: what should never
// happen is 0 from the first shard of a stream on, so that the first time is an increase. So there are eight series for each
// shard that a worker owns, and a few dozen for each stream.
//
//	kin_consumer_owned_shards{stream}                     G  shards that this worker reads now, also 0
//	kin_consumer_shard_lag_seconds{stream,shard}          G  how far the newest page was behind the tip; absent until known
//	kin_consumer_shard_records_total{stream,shard}        C  user records acknowledged
//	kin_consumer_shard_bytes_total{stream,shard}          C  their data and partition keys
//	kin_consumer_shard_unacked_records{stream,shard}      G  delivered, or waiting in lanes, and not acknowledged
//	kin_consumer_shard_failures{stream,shard}             G  calls of Kinesis that have failed in a row
//	kin_consumer_shard_handler_failures{stream,shard}     G  times in a row that the handler has failed
//	kin_consumer_shard_stuck_seconds{stream,shard}        G  for how long nothing has moved although something should; 0 if all is well
//	kin_consumer_shard_stopping{stream,shard}             G  1 while the shard is being given up, else 0
//	kin_consumer_shard_starts_total{stream}               C  shards that this worker began to read
//	kin_consumer_shard_stops_total{stream,reason}         C  shards that it ceased to read: shard_end, handed_over, lease_lost, leaving
//	kin_consumer_shards_gone_total{stream}                C  shards that were trimmed before they were read to their end: data was lost
//	kin_consumer_fetches_total{stream}                    C  answers of GetRecords, also empty ones
//	kin_consumer_fetched_records_total{stream}            C  records in them, as the service counts
//	kin_consumer_fetched_bytes_total{stream}              C  bytes of these
//	kin_consumer_retries_total{stream,op,reason}          C  calls that failed and were made again: throttled, failed
//	kin_consumer_handler_calls_total{stream,outcome}      C  calls of the handler: ok, failed, cancelled
//	kin_consumer_handler_records_total{stream}            C  user records given to it, again with each attempt
//	kin_consumer_handler_seconds{stream}                  H  how long it took
//	kin_consumer_skipped_records_total{stream}            C  user records passed over because the handler failed
//	kin_consumer_bad_records_total{stream}                C  records that could not be unpacked
//	kin_consumer_out_of_range_records_total{stream}       C  user records that belong to another shard
//	kin_consumer_group_events_total{event}                C  what happened in the group, as lease_taken or store_failed: see kin.GroupEvent
//
// What to be woken for: kin_consumer_shard_stuck_seconds above some minutes, a lag that grows towards the retention of the stream,
// and any increase of kin_consumer_shards_gone_total.
package kinprom
