package kin;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.Attempt;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordFailedException;
import software.amazon.kinesis.producer.UserRecordResult;

/**
 * Puts records with the KPL. Arguments: the port on 127.0.0.1, which speaks TLS, the stream, and a folder for the
 * KPL's native program. Puts records with the key "first" until the KPL packs, and says so in a line. Reads a line for each
 * record: partition key, explicit hash key, data. When there are no more, flushes and writes a line for each
 * in their order: shard, sequence number, attempts that failed.
 */
public final class Kpl {
  private Kpl() {}

  public static void main(String[] args) throws Exception {
    var producer = new KinesisProducer(new KinesisProducerConfiguration()
        .setKinesisEndpoint("127.0.0.1")
        .setKinesisPort(Long.parseLong(args[0]))
        .setVerifyCertificate(false)
        .setRegion("us-east-1")
        .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "secret")))
        .setMetricsLevel("none")
        .setLogLevel("warning")
        .setTempDirectory(args[2]));
    while (!packs(producer, args[1])) {
      Thread.sleep(50);
    }
    System.out.println("packs");
    List<Future<UserRecordResult>> results = new ArrayList<>();
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] fields = line.split(" ", -1);
      results.add(producer.addUserRecord(args[1], new String(Text.decode(fields[0]), StandardCharsets.UTF_8),
          fields[1].equals(Text.NONE) ? null : fields[1], ByteBuffer.wrap(Text.decode(fields[2]))));
    }
    producer.flush();
    for (Future<UserRecordResult> result : results) {
      UserRecordResult r = result(result);
      String failed = r.getAttempts().stream().filter(a -> !a.isSuccessful()).map(Attempt::getErrorCode)
          .map(code -> code.replace(' ', '-')).collect(Collectors.joining(","));
      System.out.printf("%s %s %s%n", r.getShardId(), r.getSequenceNumber(), failed.isEmpty() ? Text.NONE : failed);
    }
    System.out.flush();
    producer.destroy();
    System.exit(0);
  }

  /** Says whether two records become one, as they do not before the KPL knows the shards. */
  private static boolean packs(KinesisProducer producer, String stream) throws Exception {
    var data = ByteBuffer.wrap("first".getBytes(StandardCharsets.UTF_8));
    var one = producer.addUserRecord(stream, "first", data.duplicate());
    var other = producer.addUserRecord(stream, "first", data.duplicate());
    producer.flush();
    return result(one).getSequenceNumber().equals(result(other).getSequenceNumber());
  }

  private static UserRecordResult result(Future<UserRecordResult> future) throws Exception {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof UserRecordFailedException failed) {
        var attempts = failed.getResult().getAttempts();
        var last = attempts.get(attempts.size() - 1);
        throw new IllegalStateException(last.getErrorCode() + ": " + last.getErrorMessage(), e);
      }
      throw e;
    }
  }
}
