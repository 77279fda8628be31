"""Packs and unpacks records with the aggregation library for Python, which AWS Lambda functions use.

Arguments: read or put, the endpoint, the stream. read gets all shards to their tips and writes a line for each
user record: shard, sequence number, sub-sequence number, whether it was packed, partition key, explicit hash key,
data. put reads a line for each record, with partition key, explicit hash key and data, and packs as many into one
as fit. Keys and data are in Base64.
"""

import base64
import sys

import boto3
from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import iter_deaggregate_records
from botocore.config import Config

NONE = "-"
MAX_BYTES = 50_000

what, endpoint, stream = sys.argv[1:]
client = boto3.client(
    "kinesis",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="secret",
    config=Config(retries={"max_attempts": 1}),
)


def text(data):
    return base64.b64encode(data).decode("ascii")


def pages(shard):
    iterator = client.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    while iterator:
        out = client.get_records(ShardIterator=iterator)
        yield out["Records"]
        if not out["Records"] and out["MillisBehindLatest"] == 0:
            return
        iterator = out.get("NextShardIterator")


def write(shard, record):
    r = record["kinesis"]
    packed = r.get("aggregated", False)
    data = r["data"].decode("ascii") if packed else text(r["data"])
    key = text(r["partitionKey"].encode())
    print(shard, r["sequenceNumber"], r.get("subSequenceNumber", 0), str(packed).lower(), key, r.get("explicitHashKey") or NONE, data)


def read():
    for shard in client.list_shards(StreamName=stream)["Shards"]:
        for records in pages(shard["ShardId"]):
            for record in iter_deaggregate_records(records, data_format="Boto3"):
                write(shard["ShardId"], record)


def send(packed):
    key, hash_key, data = packed.get_contents()
    hash_keys = {"ExplicitHashKey": hash_key} if hash_key else {}
    client.put_record(StreamName=stream, PartitionKey=key, Data=data, **hash_keys)


def put():
    aggregator = RecordAggregator(MAX_BYTES)
    for line in sys.stdin:
        key, hash_key, data = line.split()
        full = aggregator.add_user_record(
            base64.b64decode(key).decode(), base64.b64decode(data), None if hash_key == NONE else hash_key
        )
        if full:
            send(full)
    if aggregator.get_num_user_records() > 0:
        send(aggregator.clear_and_get())


{"read": read, "put": put}[what]()
