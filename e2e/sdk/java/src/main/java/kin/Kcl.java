package kin;

import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.util.List;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/**
 * Reads all shards of a stream to their ends or tips with the AWS SDK for Java, and unpacks what was read with
 * the code of the KCL: by its rule too, which drops an aggregate that has a record of another shard.
 * Arguments: the endpoint and the stream. Writes a line for each user record: shard, sequence number,
 * sub-sequence number, whether it was packed, partition key, explicit hash key, data.
 */
public final class Kcl {
  private Kcl() {}

  public static void main(String[] args) throws Exception {
    String stream = args[1];
    var out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16));
    try (KinesisClient client = KinesisClient.builder()
        .endpointOverride(URI.create(args[0]))
        .region(Region.US_EAST_1)
        .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "secret")))
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .build()) {
      for (Shard shard : client.listShards(r -> r.streamName(stream)).shards()) {
        read(client, stream, shard, out);
      }
    }
    out.flush();
  }

  private static void read(KinesisClient client, String stream, Shard shard, PrintStream out) {
    var unpack = new AggregatorUtil();
    String iterator = client.getShardIterator(r -> r.streamName(stream).shardId(shard.shardId())
        .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).shardIterator();
    while (iterator != null) {
      String from = iterator;
      var page = client.getRecords(r -> r.shardIterator(from));
      List<KinesisClientRecord> packed = page.records().stream().map(KinesisClientRecord::fromRecord).toList();
      var range = shard.hashKeyRange();
      for (KinesisClientRecord r : unpack.deaggregate(packed, range.startingHashKey(), range.endingHashKey())) {
        String hashKey = r.explicitHashKey() == null ? Text.NONE : r.explicitHashKey();
        out.printf("%s %s %d %b %s %s %s%n", shard.shardId(), r.sequenceNumber(), r.subSequenceNumber(), r.aggregated(),
            Text.encode(r.partitionKey()), hashKey, Text.encode(r.data()));
      }
      if (packed.isEmpty() && page.millisBehindLatest() == 0) {
        return;
      }
      iterator = page.nextShardIterator();
    }
  }
}
