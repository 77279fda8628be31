package cli

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"

	"github.com/kinstream/kin"
)

type benchGetOptions struct {
	from     string
	duration time.Duration
	against  string
	check    bool
	pace     string
}

func (a *app) benchGetCommand() *cobra.Command {
	var o benchGetOptions
	cmd := &cobra.Command{
		Use:   "get STREAM",
		Short: "Measure how fast records are read",
		Long: `Measure how fast the records of a stream are read, all shards side by side: from
where --from says to what is there when the command starts, or with --from latest what
comes, for --duration at most. It reads at the pace of the service, 5 calls and 2 MiB per
second and shard, shared with other readers; from a server on this machine as fast as it
can, unless --pace service says that it has limits.

Records a second are counted until the last record came. All is read up to the tip when
each shard has given an empty answer after that: a shard that has just given 10 MB owes
none for 5 seconds. Bytes are those of data. Processor time is that of this process, of all that it does.
The lag is how far behind the tip the last answers of the shards were, at most.

--check finds the records of kin load, and says for each run how many were read, which
numbers are missing, how many came twice, or after a later one of their partition key,
and how long it took until they were stored and, with --from latest, until they were
read. Times are as good as the clocks of the machines agree. It ends with code 6
if a number is missing, up to the highest: lost, never stored, or with --from latest
perhaps on its way. It costs processor time.

--against sdk then reads the same with a plain loop over GetRecords of the AWS SDK for
each shard, which does not unpack aggregated records.`,
		Example: `  kin bench get orders
  kin bench get orders --check
  kin bench get orders --from latest --duration 1m --check -o json`,
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.benchGet(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "trim-horizon", "`where` to begin: trim-horizon, latest, a time, or an age such as 5m")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "how long to read, at most")
	f.StringVar(&o.against, "against", "", "measure another `client` too: sdk")
	f.StringVar(&o.pace, "pace", paceAuto, "`whose` limits on a shard to keep to: service (5 calls/s and 2 MiB/s), none (only refusals slow it down), or auto, which is none for a server on this machine")
	f.BoolVar(&o.check, "check", false, "account for the records of kin load")
	registerValues(cmd, "from", "trim-horizon", "latest", "5m")
	registerValues(cmd, "against", clientSDK)
	registerValues(cmd, "pace", paceAuto, paceService, paceNone)
	return cmd
}

// benchGetResult is what is measured of a client, as -o json prints it.
type benchGetResult struct {
	Client    string  `json:"client"`
	Records   int64   `json:"records"`
	Bytes     int64   `json:"bytes"` // of data
	Seconds   float64 `json:"seconds"`
	Reading   float64 `json:"read_seconds"` // until the last record, or all of them if --from is latest
	PerSecond float64 `json:"records_per_second"`
	BytesPerS float64 `json:"bytes_per_second"`
	CPU       float64 `json:"cpu_us_per_record,omitempty"`
	LagMillis *int64  `json:"lag_ms,omitempty"` // at the end; missing if it is not known
	Tip       bool    `json:"reached_tip"`      // all was read that was there at the start

	Loads []checkedRun `json:"loads,omitempty"` // with --check
}

// getMeter measures reading. Its methods may be called from several goroutines.
type getMeter struct {
	live           bool // records are read as they come
	start          time.Time
	cpu            time.Duration // that was used before
	records, bytes atomic.Int64
	last           atomic.Int64 // when the last records came, in nanoseconds after start
}

func newGetMeter(live bool) *getMeter {
	return &getMeter{live: live, start: time.Now(), cpu: processCPU()}
}

func (m *getMeter) saw(records, bytes int) {
	if records == 0 {
		return
	}
	m.records.Add(int64(records))
	m.bytes.Add(int64(bytes))
	m.last.Store(int64(time.Since(m.start)))
}

// result returns what was measured until now. limited is the context of the reading, which is over, and ctx
// that of the command; the error is what is left of err when the time of the bench was over.
func (m *getMeter) result(ctx, limited context.Context, client string, err error) (benchGetResult, error) {
	r := benchGetResult{Client: client, Records: m.records.Load(), Bytes: m.bytes.Load(), Seconds: time.Since(m.start).Seconds()}
	r.Reading = r.Seconds
	if !m.live {
		r.Reading = time.Duration(m.last.Load()).Seconds()
	}
	if r.Reading > 0 {
		r.PerSecond, r.BytesPerS = float64(r.Records)/r.Reading, float64(r.Bytes)/r.Reading
	}
	if r.Records > 0 {
		r.CPU = float64((processCPU() - m.cpu).Nanoseconds()) / 1000 / float64(r.Records)
	}
	r.Tip = err == nil && limited.Err() == nil
	if limited.Err() != nil && ctx.Err() == nil {
		err = nil // the time is over
	}
	return r, err
}

// startGetView shows how reading goes on.
func (a *app) startGetView(m *getMeter) (stop func()) {
	var rates demoRates
	return a.startProgress(func(int, style) string {
		s := demoSnapshot{elapsed: time.Since(m.start), read: m.records.Load(), readBytes: m.bytes.Load()}
		rates.add(s)
		return fmt.Sprintf("%5.1f s  %s read  %s", s.elapsed.Seconds(), thousands(s.read), rates.readText())
	})
}

func (a *app) benchGet(ctx context.Context, stream string, o benchGetOptions) error {
	now := time.Now()
	from, perShard, err := parseFrom(o.from, now)
	if err != nil {
		return err
	}
	if perShard {
		return usageErr(fmt.Sprintf("--from %s is a position in one shard", o.from), "use trim-horizon, latest, a time or an age")
	}
	if err := checkBenchDuration(o.duration); err != nil {
		return err
	}
	if err := checkAgainst(o.against); err != nil {
		return err
	}
	if err := checkPace(o.pace); err != nil {
		return err
	}
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	if err := checkTailStream(ctx, client, stream, ""); err != nil {
		return err
	}
	first, err := a.benchGetKin(ctx, client, stream, from, o)
	results := []benchGetResult{first}
	if err == nil && o.against != "" && ctx.Err() == nil {
		var second benchGetResult
		second, err = a.benchGetSDK(ctx, client, stream, from, o, now)
		results = append(results, second)
	}
	return a.benchGetReport(ctx, results, from == kin.Latest(), err)
}

func (a *app) benchGetKin(ctx context.Context, client *kinesis.Client, stream string, from kin.Position, o benchGetOptions) (benchGetResult, error) {
	config := kin.ReaderConfig{Stream: stream, From: from, Logger: a.warnings("kin bench get")}
	if from != kin.Latest() {
		config.Until = kin.AtTip()
	}
	a.readAtPace(&config, o.pace)
	reader, err := kin.NewReader(client, config)
	if err != nil {
		return benchGetResult{}, usageErr(oneLine(err.Error()), "")
	}
	check := loadCheck{fromStart: from == kin.TrimHorizon()}
	limited, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	meter := newGetMeter(from == kin.Latest())
	stop := a.startGetView(meter)
	for rec, readErr := range reader.Records(limited) {
		if readErr != nil {
			err = readErr
			break
		}
		meter.saw(1, len(rec.Data))
		if o.check {
			check.saw(&rec, time.Now())
		}
	}
	r, err := meter.result(ctx, limited, clientKin, err)
	stop()
	r.LagMillis, r.Loads = lagOf(reader.Shards()), check.result()
	return r, err
}

// lagOf is the greatest lag of the shards in milliseconds; nil if none has one.
func lagOf(shards []kin.ShardStatus) (most *int64) {
	for _, s := range shards {
		if s.State != kin.ShardFinished && s.Lag >= 0 && (most == nil || s.Lag.Milliseconds() > *most) {
			most = new(s.Lag.Milliseconds())
		}
	}
	return most
}

// benchGetReport prints the results and turns them into the error of the command. live says that the
// records were read as they came.
func (a *app) benchGetReport(ctx context.Context, results []benchGetResult, live bool, readErr error) error {
	if err := a.printGetResults(results, live); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return &failure{code: exitInterrupted, what: fmt.Sprintf("stopped by a signal: %s read", count(int(results[0].Records), "record"))}
	}
	if readErr != nil {
		return readErr
	}
	if missing := missingOf(results[0].Loads); missing > 0 {
		what := count(int(missing), "record") + " missing"
		switch {
		case live:
			return &failure{code: exitIncomplete, what: what, hint: "perhaps on their way: when the load is over, read from trim-horizon"}
		case !results[0].Tip:
			return &failure{code: exitIncomplete, what: what + ", when the time was over", hint: "give a longer --duration"}
		}
		return &failure{code: exitIncomplete, what: what}
	}
	return nil
}

func (a *app) printGetResults(results benchOf[benchGetResult], live bool) error {
	if a.json() {
		return results.printJSON(a)
	}
	type result = *benchGetResult
	rows := []benchRow{
		results.figure("records/s", wholeText, func(r result) float64 { return r.PerSecond }),
		results.figure("MB/s", megabytesText, func(r result) float64 { return r.BytesPerS }),
		results.figure("CPU per record", microsText, func(r result) float64 { return r.CPU }),
		results.plain("read", func(r result) string { return thousands(r.Records) }),
		results.plain("in", func(r result) string { return fmt.Sprintf("%.1f s", r.Reading) }),
		results.plain("lag", func(r result) string { return lagText(r.LagMillis) }),
		results.plain("to the tip", func(r result) string {
			if !r.Tip {
				return "no"
			}
			return fmt.Sprintf("yes, in %.1f s", r.Seconds)
		}),
	}
	if err := a.printBench(each(results, func(r result) string { return r.Client }), rows); err != nil {
		return err
	}
	if len(results[0].Loads) == 0 {
		return nil
	}
	fmt.Fprintln(a.io.Out)
	return a.printTable(checkTable(results[0].Loads, live))
}

func lagText(ms *int64) string {
	if ms == nil {
		return "?"
	}
	return millisText(float64(*ms))
}
