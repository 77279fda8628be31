package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"

	"github.com/kinstream/kin"
)

type tailOptions struct {
	from   string
	until  string
	shard  string
	keys   []string
	number int
	long   bool
}

func (a *app) tailCommand() *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail STREAM",
		Short: "Print the records of a stream as they come",
		Long: `Print the records of a stream, all shards side by side, in order within each shard
and parents before children. It follows the stream until Ctrl-C, or stops where
--until says.

It reads at the pace of the service, 5 calls and 2 MiB per second and shard, shared
with other readers; from a server on this machine as fast as it can.

--from is where to begin:
    latest                      what comes from now on (the default)
    trim-horizon                the oldest record that the stream still holds
    2026-11-21T10:00:00Z        what arrived at that time or later; local time without a zone
    5m                          what arrived in the last five minutes
    AFTER_SEQUENCE_NUMBER:496.. a position in the shard that --shard names

Text output is the data of each record and a line end; -l puts arrival time, shard,
sequence number and partition key before it. With -o json each record is an object
with "shard", "sequence", "key", "time", and "data", or "data_base64" for data that
is no UTF-8 text.`,
		Example: `  kin tail orders
  kin tail orders --from 1h --until tip -o json
  kin tail orders --key customer-17 --from trim-horizon`,
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.tail(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "latest", "`where` to begin")
	f.StringVar(&o.until, "until", "", "`where` to stop: tip (what is there when the command starts), a time, or an age")
	f.StringVar(&o.shard, "shard", "", "read only this `shard`")
	f.StringArrayVar(&o.keys, "key", nil, "print only records with this partition `key` (repeatable)")
	f.IntVarP(&o.number, "limit", "n", 0, "stop after so many printed `records`")
	f.BoolVarP(&o.long, "long", "l", false, "in text, print time, shard, sequence number and key too")
	registerValues(cmd, "from", "latest", "trim-horizon", "5m", "1h")
	registerValues(cmd, "until", "tip")
	return cmd
}

func (a *app) tail(ctx context.Context, stream string, o tailOptions) error {
	now := time.Now()
	from, perShard, err := parseFrom(o.from, now)
	if err != nil {
		return err
	}
	if perShard && o.shard == "" {
		return usageErr(fmt.Sprintf("--from %s is a position in one shard", o.from), "say which with --shard")
	}
	until, err := parseUntil(o.until, now)
	if err != nil {
		return err
	}
	if o.number < 0 {
		return usageErr(fmt.Sprintf("-n %d: must be at least 1", o.number), "leave it out for all records")
	}
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	// One look first: the reader would try again for long where a person wants to know.
	if err := checkTailStream(ctx, client, stream, o.shard); err != nil {
		return err
	}
	config := kin.ReaderConfig{
		Stream: stream, Shard: kin.ShardID(o.shard), From: from, Until: until, Logger: a.warnings("kin tail"),
	}
	a.readAtPace(&config, paceAuto)
	reader, err := kin.NewReader(client, config)
	if err != nil {
		return usageErr(oneLine(err.Error()), "")
	}
	err = a.printRecords(ctx, reader, o)
	if ctx.Err() != nil && o.until == "" {
		return nil // how following ends
	}
	return err
}

// readAtPace sets how fast a reader reads, as a value of --pace says.
func (a *app) readAtPace(config *kin.ReaderConfig, pace string) {
	if a.readsFast(pace) {
		config.MaxCallsPerSecond, config.MaxBytesPerSecond = -1, -1
		config.MinIdleWait, config.MaxIdleWait = 20*time.Millisecond, 200*time.Millisecond
	}
}

// readsFast says whether to read as fast as it goes: by itself only where that is nobody else's business, from a
// server on this machine.
func (a *app) readsFast(pace string) bool {
	return pace == paceNone || pace == paceAuto && isLoopback(a.target.endpoint)
}

// checkTailStream makes sure that the stream, and the shard if one is named, is there.
func checkTailStream(ctx context.Context, client *kinesis.Client, stream, shard string) error {
	if shard == "" {
		ref := refTo(stream)
		page, err := client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: ref.name, StreamARN: ref.arn, MaxResults: new(int32(1))})
		if err == nil && len(page.Shards) == 0 {
			err = emptyAnswer("lists no shards of stream " + stream)
		}
		return err
	}
	shards, err := listShards(ctx, client, stream)
	if err != nil {
		return err
	}
	for _, s := range shards {
		if *s.ShardId == shard {
			return nil
		}
	}
	return &failure{code: exitNotFound, what: fmt.Sprintf("stream %s has no shard %q", stream, shard), hint: "kin stream describe shows its shards"}
}

// tailFlush is how long a printed record may stay in our buffer while others come.
const tailFlush = 50 * time.Millisecond

func (a *app) printRecords(ctx context.Context, reader *kin.Reader, o tailOptions) error {
	write := printRecord
	switch {
	case a.json():
		write = printRecordJSON
	case o.long:
		write = printRecordLong
	}
	out := newLazyWriter(a.io.Out, tailFlush)
	printed := 0
	for rec, err := range reader.Records(ctx) {
		if err != nil {
			return errors.Join(err, out.close())
		}
		if len(o.keys) > 0 && !slices.Contains(o.keys, rec.PartitionKey) {
			continue
		}
		if err := out.do(func(w *bytes.Buffer) error { return write(w, rec) }); err != nil {
			return errors.Join(err, out.close())
		}
		if printed++; printed == o.number {
			break
		}
	}
	return out.close()
}

func printRecord(w *bytes.Buffer, rec kin.Record) error {
	w.Write(rec.Data)
	return w.WriteByte('\n')
}

func printRecordLong(w *bytes.Buffer, rec kin.Record) error {
	sequence := string(rec.SequenceNumber)
	if rec.Aggregated {
		sequence += fmt.Sprintf(":%d", rec.SubSequence)
	}
	_, err := fmt.Fprintf(w, "%s %s %s %q %s\n", rec.ArrivalTime.Local().Format("2006-01-02T15:04:05.000"),
		rec.ShardID, sequence, rec.PartitionKey, printable(rec.Data))
	return err
}

// printable keeps data from moving the cursor or breaking the line.
func printable(data []byte) string {
	text := string(data)
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return text
	}
	return fmt.Sprintf("%q", text)
}

type tailRecord struct {
	Shard       kin.ShardID        `json:"shard"`
	Sequence    kin.SequenceNumber `json:"sequence"`
	SubSequence *int               `json:"sub_sequence,omitempty"`
	Key         string             `json:"key"`
	Time        time.Time          `json:"time"`
	Data        *string            `json:"data,omitempty"`
	Base64      *string            `json:"data_base64,omitempty"`
}

func printRecordJSON(w *bytes.Buffer, rec kin.Record) error {
	return appendRecord(w, tailRecordOf(rec))
}

func tailRecordOf(rec kin.Record) tailRecord {
	out := tailRecord{Shard: rec.ShardID, Sequence: rec.SequenceNumber, Key: rec.PartitionKey, Time: rec.ArrivalTime.UTC()}
	if rec.Aggregated {
		out.SubSequence = &rec.SubSequence
	}
	if utf8.Valid(rec.Data) {
		out.Data = new(string(rec.Data))
	} else {
		out.Base64 = new(base64.StdEncoding.EncodeToString(rec.Data))
	}
	return out
}

// appendRecord writes the JSON form of a record as a line.
func appendRecord(w *bytes.Buffer, record any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(record)
}
