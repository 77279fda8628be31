package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kinstream/kin"
)

type putOptions struct {
	file     string
	make     recordMaker
	producer producerFlags
	explain  bool
	blank    string // a flag that was given without a value; "" = none
}

func (a *app) putCommand() *cobra.Command {
	var o putOptions
	cmd := &cobra.Command{
		Use:   "put STREAM",
		Short: "Put each line of the input as a record",
		Long: `Put each line of standard input, or of a file, as a record. Files compressed with
gzip are read as what is in them; standard input is taken as it is. An empty line is a
record without data.

Without a key each record gets a random one, which spreads the records over the
shards. With --ndjson each line must be a JSON object, and the key and the data can
come from its fields. Records of one key that are put in quick succession may be
stored in another order, unless --ordered is given.

Small records cost less with --aggregate, which packs many into one, and which is not
limited to 1,000 records a second and shard. Who reads them must unpack them, as kin
tail, KCL and the libraries for AWS Lambda do. --explain says every few seconds, and
at the end, what limits the throughput: the shards, the keys, the connections, this
machine, or the input.

Ends with code 6 if a record was not stored; says how many, why, and the line of the
first of each kind. On Ctrl-C it puts what it has read, for up to 30 seconds, and says
how much of that is stored.`,
		Example: `  tail -f app.log | kin put logs
  kin put orders --file orders.ndjson --key-field customer --ordered
  kin put clicks --file clicks.gz --aggregate shard --explain
  kin tail a -o json --until tip --from trim-horizon | kin put b --key-field key --data-field data`,
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.blank = blankFlag(cmd.LocalNonPersistentFlags())
			return a.put(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "read this `file` instead of standard input (-), with a progress bar")
	f.StringVar(&o.make.key, "key", "", "partition `key` of all records")
	f.StringVar(&o.make.hashKey, "explicit-hash-key", "", "`number` from 0 to 2^128-1 that chooses the shard of all records")
	f.BoolVar(&o.make.json, "ndjson", false, "refuse lines that are no JSON object, and pass over empty ones")
	f.StringVar(&o.make.keyField, "key-field", "", "take the partition key from this `field` (means --ndjson)")
	f.StringVar(&o.make.dataField, "data-field", "", "take the data from this `field`, or from field_base64, instead of the whole line (means --ndjson)")
	o.producer.add(f)
	f.BoolVar(&o.explain, "explain", false, "say what limits the throughput, every few seconds and at the end")
	completeProducerFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("key", "key-field")
	return cmd
}

// blankFlag returns the first flag with a text that was given an empty one, as --key "$KEY" does if KEY is not set.
// Left out it has a meaning of its own.
func blankFlag(flags *pflag.FlagSet) (name string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if name == "" && f.Changed && f.Value.Type() == "string" && f.Value.String() == "" {
			name = f.Name
		}
	})
	return name
}

// check refuses what would fail for every record.
func (o putOptions) check() error {
	const most = 256 // characters of a partition key, by the service
	if o.blank != "" {
		return usageErr(fmt.Sprintf("--%s is empty", o.blank), "give a value, or leave it out")
	}
	if n := utf8.RuneCountInString(o.make.key); n > most {
		return usageErr(fmt.Sprintf("--key has %d characters", n), fmt.Sprintf("a partition key has at most %d", most))
	}
	if !utf8.ValidString(o.make.key) {
		return usageErr("--key is no UTF-8 text", "a partition key is text")
	}
	if err := checkHashKey(o.make.hashKey); err != nil {
		return err
	}
	return o.producer.check()
}

// checkHashKey refuses what is no decimal number below 2^128. Empty is none.
func checkHashKey(text string) error {
	n, ok := new(big.Int).SetString(text, 10)
	if text == "" || ok && n.Sign() >= 0 && n.BitLen() <= 128 && n.String() == text {
		return nil
	}
	return usageErr(fmt.Sprintf("--explicit-hash-key %q is no hash key", text), "give a decimal number from 0 to 2^128-1, without leading zeros")
}

// put runs the command: lines go through the producer, and each answer is
// counted. It stops reading at the first error that the next record would meet
// too.
func (a *app) put(ctx context.Context, stream string, o putOptions) error {
	if o.make.keyField != "" || o.make.dataField != "" {
		o.make.json = true
	}
	if err := o.check(); err != nil {
		return err
	}
	source := a.io.In
	var input *inputFile
	if o.file != "" && o.file != "-" {
		var err error
		if input, err = openInput(o.file); err != nil {
			return err
		}
		defer input.Close()
		source = input
	}
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	maxRecord, _, err := checkPutStream(ctx, client, stream)
	if err != nil {
		return err
	}
	cfg := o.producer.config(stream, !a.target.isAWS())
	producer, err := a.newProducer(client, "kin put", cfg, maxRecord, 16<<20)
	if err != nil {
		return err
	}
	var x *explainer
	if o.explain {
		x = &explainer{producer: producer, aggregates: o.producer.aggregates(), callers: "Nothing waits: the input gives no more."}
	}
	tally := newPutTally()
	run := putRun{make: o.make, producer: producer, tally: tally, limit: maxRecord}
	run.looked = !o.producer.aggregates() && cfg.ShardBytesPerSecond < 0
	stop := a.startPutView(tally, input, x)
	readErr := run.all(ctx, source)
	stop()
	r := tally.result()
	r.counts(producer.Stats())
	if x != nil {
		r.Explanation = new(x.overall())
	}
	return a.putReport(ctx, r, readErr)
}

// checkPutStream makes sure that the stream is there and returns how large a
// record may be and how many shards are open, 0 if that is not said. A user who may put but
// not describe is no error: the puts will tell.
func checkPutStream(ctx context.Context, client *kinesis.Client, stream string) (maxRecord, shards int, err error) {
	const serviceDefault = 1 << 20
	s, err := summary(ctx, client, stream)
	if err != nil {
		if isDenied(err) {
			return serviceDefault, 0, nil
		}
		return 0, 0, err
	}
	if kib := int32Of(s.MaxRecordSizeInKiB); kib > 0 {
		return kib << 10, int32Of(s.OpenShardCount), nil
	}
	return serviceDefault, int32Of(s.OpenShardCount), nil
}

// putRun is the work of one kin put.
type putRun struct {
	make     recordMaker
	producer *kin.Producer
	looked   bool // the shards are known, or don't matter: nothing is packed, and there is no pace
	tally    *putTally
	limit    int
}

// all puts all lines and waits for all answers. After a cancelled context or a
// fatal answer it reads no more lines, but still waits for the answers of the
// records that were accepted.
func (r *putRun) all(ctx context.Context, source io.Reader) error {
	reading, stopReading := context.WithCancelCause(ctx)
	defer stopReading(nil)
	r.tally.fatal = stopReading
	err := r.lines(reading, source)
	if closeErr := closeProducer(ctx, r.producer); err == nil && closeErr != nil {
		err = closeErr
	}
	if fatal := context.Cause(reading); fatal != nil && ctx.Err() == nil {
		return fatal
	}
	return err
}

func (r *putRun) lines(ctx context.Context, source io.Reader) error {
	batches := readLines(ctx, source, r.limit)
	for {
		var batch lineBatch
		select {
		case batch = <-batches:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for _, l := range batch.lines {
			if err := r.one(ctx, l); err != nil {
				return err
			}
		}
		if errors.Is(batch.err, io.EOF) {
			return nil
		}
		if batch.err != nil {
			return fmt.Errorf("read line %d: %w", r.tally.seen()+1, batch.err)
		}
	}
}

// one puts one line. What is wrong with the line alone is counted; an error is
// returned only if it ends the run.
func (r *putRun) one(ctx context.Context, l line) error {
	r.tally.saw()
	if l.cut > 0 {
		r.tally.failed(l.number, kindTooLarge, tooLargeText(l.cut, r.limit))
		return nil
	}
	if r.make.json && len(bytes.TrimSpace(l.text)) == 0 {
		return nil
	}
	rec, err := r.make.record(l.text)
	if err != nil {
		r.tally.failed(l.number, kindBadLine, err.Error())
		return nil
	}
	number, size := l.number, len(rec.Data)
	err = r.producer.PutAsync(ctx, rec, func(_ kin.PutResult, err error) { r.tally.answered(number, size, err) })
	if errors.Is(err, kin.ErrInvalidRecord) {
		if whole := len(rec.PartitionKey) + len(rec.Data); whole > r.limit {
			r.tally.failed(l.number, kindTooLarge, tooLargeText(whole, r.limit))
		} else {
			r.tally.failed(l.number, kindInvalid, reason(err))
		}
		return nil
	}
	if err == nil && !r.looked {
		r.looked = true
		awaitShards(ctx, r.producer)
	}
	return err
}

// tooLargeText says by how much a record is too large.
func tooLargeText(size, limit int) string {
	return fmt.Sprintf("%s bytes, and the stream takes %s with the partition key", thousands(int64(size)), thousands(int64(limit)))
}

type lineBatch struct {
	lines []line
	err   error // after the lines; io.EOF at the end
}

// readLines reads source in a goroutine of its own, because reading a terminal
// or a pipe cannot be cancelled. The goroutine ends at the end of the source or,
// after ctx ended, with the read that it is in; nobody waits for that.
func readLines(ctx context.Context, source io.Reader, limit int) <-chan lineBatch {
	const batchLines = 256
	out := make(chan lineBatch, 4)
	go func() {
		r := newLineReader(source, limit)
		for {
			var batch lineBatch
			for len(batch.lines) < batchLines && batch.err == nil {
				var l line
				if l, batch.err = r.next(); batch.err == nil {
					batch.lines = append(batch.lines, l)
				}
				if r.waiting() {
					break // what is here goes on at once
				}
			}
			select {
			case out <- batch:
			case <-ctx.Done():
				return
			}
			if batch.err != nil {
				return
			}
		}
	}()
	return out
}
