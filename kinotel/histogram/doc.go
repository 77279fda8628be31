// Package histogram shows in OpenTelemetry how long the records of a [kin.Producer] take.
//
// A producer counts these times itself, for each record, in buckets. The API of OpenTelemetry can only record one
// value after the other: two for each record take half a microsecond and allocate, a large part of what putting a small
// record takes. Its SDK takes finished histograms, from what it calls a Producer. So a [Source] is for the reader of the SDK:
//
//	times := histogram.NewSource(histogram.Config{})
//	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(times))
//	...
//	times.Watch(producer)
//
// That is why this is a package of its own: only whoever imports it needs the SDK. Views do not apply to what a Source has,
// and its temporality is cumulative whatever the exporter prefers.
//
//	kin.producer.buffer.duration   s   from the acceptance of user records to their first calls
//	kin.producer.delay             s   from their acceptance to their answers
//
// Both have the attributes messaging.system and messaging.destination.name, and those of the [Source]. With Config.MaxShards there are
// two more, for each shard, with messaging.destination.partition.id too:
//
//	kin.producer.shard.buffer.duration   s
//	kin.producer.shard.delay             s
package histogram
