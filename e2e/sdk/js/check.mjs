// Puts records with the AWS SDK for JavaScript and gets them back. Arguments: the
// endpoint. Writes one line of JSON; any difference is an error.
import { createRequire } from "node:module";
import assert from "node:assert/strict";

// The SDK is installed outside of this folder; NODE_MODULES says where.
const require = createRequire(process.env.NODE_MODULES + "/");
const {
  KinesisClient, CreateStreamCommand, DescribeStreamSummaryCommand, ListShardsCommand, PutRecordCommand,
  PutRecordsCommand, GetShardIteratorCommand, GetRecordsCommand, SplitShardCommand, DeleteStreamCommand,
  RegisterStreamConsumerCommand, DescribeStreamConsumerCommand, SubscribeToShardCommand,
} = require("@aws-sdk/client-kinesis");

const client = new KinesisClient({
  endpoint: process.argv[2],
  region: "us-east-1",
  credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
});
const StreamName = "javascript";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function active() {
  for (;;) {
    const { StreamDescriptionSummary: s } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
    if (s.StreamStatus === "ACTIVE") return s.StreamARN;
    await pause(20);
  }
}

// payload i has i * 37 bytes of all values.
const payload = (i) => Uint8Array.from({ length: i * 37 }, (_, j) => (i + j) % 256);

async function readShard(ShardId, want) {
  const got = [];
  let { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
  );
  while (ShardIterator && got.length < want) {
    const out = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 40 }));
    got.push(...out.Records);
    ShardIterator = out.NextShardIterator;
  }
  return got;
}

await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
const StreamARN = await active();

const first = await client.send(new PutRecordCommand({ StreamName, PartitionKey: "key ☃", Data: payload(0) }));
assert.match(first.SequenceNumber, /^\d{56}$/);
const batch = await client.send(
  new PutRecordsCommand({
    StreamName,
    Records: Array.from({ length: 99 }, (_, i) => ({ PartitionKey: "key ☃", Data: payload(i + 1) })),
  }),
);
assert.equal(batch.FailedRecordCount, 0);

const records = await readShard("shardId-000000000000", 100);
assert.equal(records.length, 100);
records.forEach((record, i) => {
  assert.deepEqual(Buffer.from(record.Data), Buffer.from(payload(i)), `record ${i}`);
  assert.equal(record.PartitionKey, "key ☃");
  assert.ok(Math.abs(record.ApproximateArrivalTimestamp - Date.now()) < 60_000);
});

const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "js" }));
for (;;) {
  const { ConsumerDescription: c } = await client.send(new DescribeStreamConsumerCommand(Consumer));
  if (c.ConsumerStatus === "ACTIVE") break;
  await pause(20);
}
const subscription = await client.send(
  new SubscribeToShardCommand({
    ConsumerARN: Consumer.ConsumerARN,
    ShardId: "shardId-000000000000",
    StartingPosition: { Type: "TRIM_HORIZON" },
  }),
);
let pushed = 0;
for await (const { SubscribeToShardEvent: event } of subscription.EventStream) {
  for (const record of event?.Records ?? []) {
    assert.deepEqual(Buffer.from(record.Data), Buffer.from(payload(pushed)), `pushed record ${pushed}`);
    pushed++;
  }
  if (pushed === 100) break;
}

await client.send(
  new SplitShardCommand({
    StreamName, ShardToSplit: "shardId-000000000000", NewStartingHashKey: (2n ** 127n).toString(),
  }),
);
await active();
const { Shards } = await client.send(new ListShardsCommand({ StreamName }));
assert.equal(Shards.length, 3);

await assert.rejects(
  client.send(new PutRecordCommand({ StreamName: "nowhere", PartitionKey: "k", Data: payload(1) })),
  { name: "ResourceNotFoundException" },
);
await client.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));

console.log(JSON.stringify({ records: records.length, pushed, shards: Shards.length }));
process.exit(0); // a subscription that was left open must not hold the process
