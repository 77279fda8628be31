package kin;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisClient;
import software.amazon.awssdk.services.kinesis.model.PutRecordsRequestEntry;
import software.amazon.awssdk.services.kinesis.model.Record;
import software.amazon.awssdk.services.kinesis.model.ResourceNotFoundException;
import software.amazon.awssdk.services.kinesis.model.ShardIteratorType;
import software.amazon.awssdk.services.kinesis.model.StreamStatus;
import software.amazon.awssdk.services.kinesis.model.ConsumerStatus;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardEvent;
import software.amazon.awssdk.services.kinesis.model.SubscribeToShardResponseHandler;

/**
 * Puts records with the AWS SDK for Java, in CBOR as is its default, gets them back, and has them
 * pushed over HTTP/2. Argument: the endpoint. Writes one line of JSON; any difference is an error.
 */
public final class Check {
  private static final String STREAM = "java";
  private static final String SHARD = "shardId-000000000000";
  private static final String KEY = "key \u2603";

  private final KinesisClient client;
  private final KinesisAsyncClient async;

  private Check(URI endpoint) {
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "secret"));
    client = KinesisClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(credentials)
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .build();
    async = KinesisAsyncClient.builder()
        .endpointOverride(endpoint)
        .region(Region.US_EAST_1)
        .credentialsProvider(credentials)
        .httpClientBuilder(NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP2))
        .build();
  }

  public static void main(String[] args) throws Exception {
    new Check(URI.create(args[0])).run();
    System.exit(0);
  }

  private void run() throws Exception {
    client.createStream(r -> r.streamName(STREAM).shardCount(1));
    String arn = active();

    var first = client.putRecord(r -> r.streamName(STREAM).partitionKey(KEY).data(payload(0)));
    same("digits of a sequence number", first.sequenceNumber().length(), 56);
    List<PutRecordsRequestEntry> entries = IntStream.range(1, 100)
        .mapToObj(i -> PutRecordsRequestEntry.builder().partitionKey(KEY).data(payload(i)).build())
        .toList();
    var batch = client.putRecords(r -> r.streamName(STREAM).records(entries));
    same("failed records", batch.failedRecordCount(), 0);

    int records = check(read(100), "record");
    int pushed = check(subscribe(arn), "pushed record");

    client.splitShard(r -> r.streamName(STREAM).shardToSplit(SHARD)
        .newStartingHashKey("170141183460469231731687303715884105728"));
    active();
    int shards = client.listShards(r -> r.streamName(STREAM)).shards().size();
    same("shards", shards, 3);

    try {
      client.putRecord(r -> r.streamName("nowhere").partitionKey(KEY).data(payload(1)));
      throw new IllegalStateException("a record was put into a stream that does not exist");
    } catch (ResourceNotFoundException e) {
      same("error code", e.awsErrorDetails().errorCode(), "ResourceNotFoundException");
    }
    try {
      async.describeStream(r -> r.streamName("nowhere")).join();
      throw new IllegalStateException("a stream that does not exist was described");
    } catch (CompletionException e) {
      same("error", e.getCause().getClass(), ResourceNotFoundException.class);
    }
    client.deleteStream(r -> r.streamName(STREAM).enforceConsumerDeletion(true));
    System.out.printf("{\"records\": %d, \"pushed\": %d, \"shards\": %d}%n", records, pushed, shards);
  }

  private String active() throws InterruptedException {
    for (;;) {
      var summary = client.describeStreamSummary(r -> r.streamName(STREAM)).streamDescriptionSummary();
      if (summary.streamStatus() == StreamStatus.ACTIVE) {
        return summary.streamARN();
      }
      Thread.sleep(20);
    }
  }

  private List<Record> read(int want) {
    List<Record> got = new ArrayList<>();
    String iterator = client.getShardIterator(r -> r.streamName(STREAM).shardId(SHARD)
        .shardIteratorType(ShardIteratorType.TRIM_HORIZON)).shardIterator();
    while (iterator != null && got.size() < want) {
      String from = iterator;
      var page = client.getRecords(r -> r.shardIterator(from).limit(40));
      got.addAll(page.records());
      iterator = page.nextShardIterator();
    }
    return got;
  }

  private List<Record> subscribe(String arn) throws Exception {
    String consumer = async.registerStreamConsumer(r -> r.streamARN(arn).consumerName("java")).join().consumer().consumerARN();
    while (async.describeStreamConsumer(r -> r.consumerARN(consumer)).join().consumerDescription().consumerStatus()
        != ConsumerStatus.ACTIVE) {
      Thread.sleep(20);
    }
    List<Record> got = new ArrayList<>();
    var all = new CountDownLatch(1);
    var handler = SubscribeToShardResponseHandler.builder()
        .onError(e -> {
          e.printStackTrace();
          all.countDown();
        })
        .subscriber(event -> {
          if (event instanceof SubscribeToShardEvent e) {
            got.addAll(e.records());
            if (got.size() >= 100) {
              all.countDown();
            }
          }
        })
        .build();
    var subscription = async.subscribeToShard(r -> r.consumerARN(consumer).shardId(SHARD)
        .startingPosition(p -> p.type(ShardIteratorType.TRIM_HORIZON)), handler);
    if (!all.await(Duration.ofSeconds(20).toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("pushed " + got.size() + " records in 20 s, want 100");
    }
    subscription.cancel(true);
    return got;
  }

  /** Returns i * 37 bytes of all values. */
  private static SdkBytes payload(int i) {
    byte[] bytes = new byte[i * 37];
    for (int j = 0; j < bytes.length; j++) {
      bytes[j] = (byte) (i + j);
    }
    return SdkBytes.fromByteArray(bytes);
  }

  private static int check(List<Record> records, String what) {
    same(what + "s", records.size(), 100);
    for (int i = 0; i < records.size(); i++) {
      Record record = records.get(i);
      if (!record.data().equals(payload(i))) {
        throw new IllegalStateException("data of " + what + " " + i + " differs");
      }
      same("partition key", record.partitionKey(), KEY);
      long age = Duration.between(record.approximateArrivalTimestamp(), Instant.now()).abs().toSeconds();
      if (age > 60) {
        throw new IllegalStateException(what + " " + i + " arrived " + age + " s ago");
      }
    }
    return records.size();
  }

  private static void same(String what, Object got, Object want) {
    if (!Objects.equals(got, want)) {
      throw new IllegalStateException(what + " = " + got + ", want " + want);
    }
  }
}
