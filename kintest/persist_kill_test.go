package kintest_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

const killDir = "KIN_KINTEST_KILL_DIR"

// killConfig has small files, so that the kills also hit their changes.
func killConfig(dir string) kintest.Config {
	return kintest.Config{Dir: dir}.WithSegments(256 << 10)
}

// acked is a record that a server has acknowledged.
type acked struct {
	shard, sequence, data string
}

// TestKill9 serves from a process of its own, loads it, reshards it, kills it in the
// middle, and starts it again: everything acknowledged is there, in order.
func TestKill9(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(killDir); dir != "" {
		serveUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	session(t, killConfig(dir), func(e engine) { e.create(orders, 2) })
	var all []acked
	highest := make(map[string]string) // by shard; all numbers have as many digits
	for round := range 5 {
		got := loadAndKill(t, dir, round)
		before := maps.Clone(highest)
		for _, a := range got {
			if a.sequence <= before[a.shard] {
				t.Fatalf("round %d: %s: %s was given after %s", round, a.shard, a.sequence, before[a.shard])
			}
			highest[a.shard] = max(highest[a.shard], a.sequence)
		}
		all = append(all, got...)
		session(t, killConfig(dir), func(e engine) { findAll(t, e, all) })
	}
	t.Logf("%d records acknowledged and found", len(all))
}

// findAll looks for all acknowledged records at the places that they were given.
func findAll(t *testing.T, e engine, all []acked) {
	t.Helper()
	held := make(map[string]kintest.Placed)
	last := make(map[string]string) // by shard
	for _, r := range e.Records(orders) {
		if r.SequenceNumber <= last[r.ShardID] {
			t.Fatalf("%s: %s comes after %s", r.ShardID, r.SequenceNumber, last[r.ShardID])
		}
		last[r.ShardID] = r.SequenceNumber
		held[r.SequenceNumber] = r
	}
	for _, a := range all {
		if r, ok := held[a.sequence]; !ok || r.ShardID != a.shard || string(r.Data) != a.data {
			t.Fatalf("%v was acknowledged; there is %.200v, of %d records", a, r, len(held))
		}
	}
	parents := make(map[string]bool)
	shards := e.Shards(orders)
	for _, sh := range shards {
		for _, p := range sh.Parents {
			parents[p] = true
		}
	}
	for _, sh := range shards {
		if sh.Open == parents[sh.ID] {
			t.Fatalf("%s is open: %v, and has children: %v", sh.ID, sh.Open, parents[sh.ID])
		}
	}
}

// loadAndKill starts a server, puts into it from many goroutines, reshards, and kills it
// after a number of acknowledgements. It returns what was acknowledged.
func loadAndKill(t *testing.T, dir string, round int) []acked {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill9$")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	client := clientOf(strings.TrimSpace(url))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var mu sync.Mutex
	var got []acked
	var calls atomic.Int64
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for n := 0; ; n++ {
				batch := putBatch(ctx, client, fmt.Sprintf("%d/%d/%d", round, w, n))
				if batch == nil {
					return
				}
				mu.Lock()
				got = append(got, batch...)
				mu.Unlock()
				if calls.Add(1) == 200 {
					kill(t, cmd)
				}
			}
		})
	}
	wg.Go(func() { reshardUntilDone(ctx, client) })
	_ = cmd.Wait()
	cancel()
	wg.Wait()
	return got
}

func kill(t *testing.T, cmd *exec.Cmd) {
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
}

// putBatch puts some records once. It returns nil when the server is gone.
func putBatch(ctx context.Context, client *kinesis.Client, label string) []acked {
	in := &kinesis.PutRecordsInput{StreamName: new(orders)}
	for i := range 20 {
		data := fmt.Sprintf("%s/%d %s", label, i, strings.Repeat("x", i*i))
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &data, Data: []byte(data)})
		if i%5 == 0 {
			in.Records[i].PartitionKey = new("key")
		}
	}
	for i := range in.Records {
		if len(*in.Records[i].PartitionKey) > 256 {
			in.Records[i].PartitionKey = new((*in.Records[i].PartitionKey)[:256])
		}
	}
	out, err := client.PutRecords(ctx, in)
	if err != nil {
		return nil
	}
	batch := []acked{}
	for i, r := range out.Records {
		if r.ErrorCode == nil {
			batch = append(batch, acked{*r.ShardId, *r.SequenceNumber, string(in.Records[i].Data)})
		}
	}
	return batch
}

// reshardUntilDone changes the number of shards again and again, until the server is
// gone.
func reshardUntilDone(ctx context.Context, client *kinesis.Client) {
	for n := 0; ; n++ {
		_, err := client.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
			StreamName: new(orders), TargetShardCount: new(int32(2 + n%3)), ScalingType: types.ScalingTypeUniformScaling,
		})
		if err != nil {
			return
		}
	}
}

func clientOf(url string) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		BaseEndpoint: &url,
		Region:       "us-east-1",
		Retryer:      aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	})
}

// serveUntilKilled is the other process.
func serveUntilKilled(t *testing.T, dir string) {
	s, err := kintest.NewServer(killConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Addr().(*net.TCPAddr).Port)))
	if err := s.Serve(l); err != nil {
		t.Fatal(err)
	}
}
