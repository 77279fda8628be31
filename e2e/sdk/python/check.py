"""Puts records with boto3 and gets them back. Argument: the endpoint.

Writes one line of JSON; any difference is an error.
"""

import datetime
import json
import sys
import time

import boto3
from botocore.config import Config

STREAM = "python"
SHARD = "shardId-000000000000"

client = boto3.client(
    "kinesis",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="secret",
    config=Config(retries={"max_attempts": 1}),
)


def payload(i):
    """Returns i * 37 bytes of all values."""
    return bytes((i + j) % 256 for j in range(i * 37))


def active():
    while True:
        summary = client.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
        if summary["StreamStatus"] == "ACTIVE":
            return summary["StreamARN"]
        time.sleep(0.02)


def same(what, got, want):
    if got != want:
        sys.exit(f"{what} = {got!r}, want {want!r}")


def read(shard, want):
    got = []
    iterator = client.get_shard_iterator(StreamName=STREAM, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    while iterator and len(got) < want:
        out = client.get_records(ShardIterator=iterator, Limit=40)
        got += out["Records"]
        iterator = out.get("NextShardIterator")
    return got


client.create_stream(StreamName=STREAM, ShardCount=1)
arn = active()

first = client.put_record(StreamName=STREAM, PartitionKey="key ☃", Data=payload(0))
same("digits of a sequence number", len(first["SequenceNumber"]), 56)
batch = client.put_records(
    StreamName=STREAM,
    Records=[{"PartitionKey": "key ☃", "Data": payload(i)} for i in range(1, 100)],
)
same("failed records", batch["FailedRecordCount"], 0)

records = read(SHARD, 100)
same("records", len(records), 100)
now = datetime.datetime.now(datetime.timezone.utc)
for i, record in enumerate(records):
    same(f"data of record {i}", record["Data"], payload(i))
    same("partition key", record["PartitionKey"], "key ☃")
    if abs((record["ApproximateArrivalTimestamp"] - now).total_seconds()) > 60:
        sys.exit(f"record {i} arrived at {record['ApproximateArrivalTimestamp']}")

consumer = client.register_stream_consumer(StreamARN=arn, ConsumerName="python")["Consumer"]["ConsumerARN"]
while client.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]["ConsumerStatus"] != "ACTIVE":
    time.sleep(0.02)
subscription = client.subscribe_to_shard(ConsumerARN=consumer, ShardId=SHARD, StartingPosition={"Type": "TRIM_HORIZON"})
pushed = 0
for event in subscription["EventStream"]:
    for record in event["SubscribeToShardEvent"]["Records"]:
        same(f"data of pushed record {pushed}", record["Data"], payload(pushed))
        pushed += 1
    if pushed == 100:
        break
subscription["EventStream"].close()

client.split_shard(StreamName=STREAM, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
active()
shards = client.list_shards(StreamName=STREAM)["Shards"]
same("shards", len(shards), 3)

try:
    client.put_record(StreamName="nowhere", PartitionKey="k", Data=b"x")
    sys.exit("a record was put into a stream that does not exist")
except client.exceptions.ResourceNotFoundException:
    pass
client.delete_stream(StreamName=STREAM, EnforceConsumerDeletion=True)

print(json.dumps({"records": len(records), "pushed": pushed, "shards": len(shards)}))
