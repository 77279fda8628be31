// Package kinprom shows in Prometheus how consumers of package kin are doing.
//
// A [ConsumerCollector] counts what the hooks of a consumer tell, and asks the consumer for the state of its shards at each
// scrape:
//
//	kin.Consumer -- hooks ----> counters, histogram --+
//	                                                  +-- Collect --> registry --> promhttp
//	             <- Shards() --- at each scrape ------+
//
// It is made before the consumer, whose hooks it becomes, and then watches it:
//
//	metrics := kinprom.NewConsumerCollector("billing")
//	registry.MustRegister(metrics)
//	cfg.Hooks = metrics.Hooks(cfg.Hooks)
//	consumer, err := kin.NewConsumer(client, cfg, handler)
//	...
//	metrics.Watch(consumer)
//
// # Metrics of consumers
//
// All have the label group. Labels stream are the stream as configured. Those with a label shard exist while this worker owns the
// shard; their counters begin at 0 when it takes it. All others count for as long as the collector exists. So there
// are eight series for each shard that a worker owns, and a few dozen for each stream.
//
//	kin_consumer_owned_shards{stream}                     shards that this worker reads now, also 0
//	kin_consumer_shard_lag_seconds{stream,shard}          how far the newest page was behind the tip; absent until known
//	kin_consumer_shard_records_total{stream,shard}        user records acknowledged
//	kin_consumer_shard_bytes_total{stream,shard}          their data and partition keys
//	kin_consumer_shard_unacked_records{stream,shard}      delivered, or waiting in lanes, and not acknowledged
//	kin_consumer_shard_failures{stream,shard}             calls of Kinesis that have failed in a row
//	kin_consumer_shard_handler_failures{stream,shard}     times in a row that the handler has failed
//	kin_consumer_shard_stuck_seconds{stream,shard}        for how long nothing has moved although something should; 0 if all is well
//	kin_consumer_shard_stopping{stream,shard}             1 while the shard is being given up, else 0
//	kin_consumer_shard_starts_total{stream}               shards that this worker began to read
//	kin_consumer_shard_stops_total{stream,reason}         shards that it ceased to read: shard_end, handed_over, lease_lost, leaving
//	kin_consumer_shards_gone_total{stream}                shards that were trimmed before they were read to their end: data was lost
//	kin_consumer_fetches_total{stream}                    answers of GetRecords, also empty ones
//	kin_consumer_fetched_records_total{stream}            records in them, as the service counts
//	kin_consumer_fetched_bytes_total{stream}              bytes of these
//	kin_consumer_retries_total{stream,op,reason}          calls that failed and were made again: throttled, failed
//	kin_consumer_handler_calls_total{stream,outcome}      calls of the handler: ok, failed, cancelled
//	kin_consumer_handler_records_total{stream}            user records given to it, again with each attempt
//	kin_consumer_handler_seconds{stream}                  histogram of how long it took
//	kin_consumer_skipped_records_total{stream}            user records passed over because the handler failed
//	kin_consumer_bad_records_total{stream}                records that could not be unpacked
//	kin_consumer_out_of_range_records_total{stream}       user records that belong to another shard
//	kin_consumer_group_events_total{event}                what happened in the group, as lease_taken or store_failed: see kin.GroupEvent
//
// What to be woken for: kin_consumer_shard_stuck_seconds above some minutes, a lag that grows towards the retention of the stream,
// and any increase of kin_consumer_shards_gone_total.
package kinprom
