package cli

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/spf13/cobra"
)

type benchPutOptions struct {
	loadFlags

	against string
}

func (a *app) benchPutCommand() *cobra.Command {
	var o benchPutOptions
	cmd := &cobra.Command{
		Use:   "put STREAM",
		Short: "Measure how fast records are put, and what limits it",
		Long: `Measure how fast generated records, as those of kin load, are put into a stream, and
say what limits it. By default as fast as the stream takes them: that is as much as its
shards allow, costs what that costs, and may throttle whoever else puts into it.

Records a second are counted while records are put, and not while the last ones are
waited for. The delay is from the making of a record to the answer that it is stored;
at full speed that is mostly time in the buffer, so give a --rate to measure it.
Processor time is that of this process, of all that it does.

--against sdk then measures for the same time a plain loop over PutRecords of the AWS
SDK, in as many goroutines as --in-flight says, which fills calls with the same records
and puts again what was refused.`,
		Example: `  kin bench put orders
  kin bench put orders --size 100 --aggregate shard --against sdk
  kin bench put orders --rate 500/s --duration 1m -o json`,
		Args:              exactly("STREAM"),
		ValidArgsFunction: a.completeStreams,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.benchPut(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	o.add(f, "max")
	f.StringVar(&o.against, "against", "", "measure another `client` too: sdk")
	completeProducerFlags(cmd)
	registerValues(cmd, "against", clientSDK)
	return cmd
}

// benchPutResult is what is measured of a client, as -o json prints it.
type benchPutResult struct {
	Client string `json:"client"`
	putFigures
}

func (a *app) benchPut(ctx context.Context, stream string, o benchPutOptions) error {
	plan, err := o.plan()
	if err != nil {
		return err
	}
	if err := checkBenchDuration(o.duration); err != nil {
		return err
	}
	if err := checkAgainst(o.against); err != nil {
		return err
	}
	client, err := a.client(ctx)
	if err != nil {
		return err
	}
	first, err := a.benchPutKin(ctx, client, stream, plan, &o)
	results := []benchPutResult{first}
	if err == nil && o.against != "" && ctx.Err() == nil {
		var second benchPutResult
		second, err = a.benchPutSDK(ctx, client, stream, plan, &o)
		results = append(results, second)
	}
	if first.Records == 0 && err != nil {
		return err // before anything was measured
	}
	return a.benchPutReport(ctx, results, err)
}

func (a *app) benchPutKin(ctx context.Context, client *kinesis.Client, stream string, plan loadPlan, o *benchPutOptions) (benchPutResult, error) {
	run, err := a.newLoadRun(ctx, client, "kin bench put", stream, plan, &o.producer)
	if err != nil {
		return benchPutResult{}, err
	}
	view := loadView{figures: run.figures, duration: o.duration, explain: run.explainer}
	run.meter.begin()
	stop := a.startView(view.lines)
	err = run.all(ctx, o.duration)
	stop()
	r := benchPutResult{Client: clientKin, putFigures: run.figures()}
	r.Explanation = new(run.explainer.overall())
	return r, err
}

func (a *app) benchPutSDK(ctx context.Context, client *kinesis.Client, stream string, plan loadPlan, o *benchPutOptions) (benchPutResult, error) {
	run := newSDKPut(client, stream, plan, &o.producer)
	view := loadView{figures: run.figures, duration: o.duration}
	run.meter.begin()
	stop := a.startView(view.lines)
	err := run.all(ctx, o.duration, o.producer.inFlight)
	stop()
	return benchPutResult{Client: clientSDK, putFigures: run.figures()}, err
}

// benchPutReport prints the results and turns them into the error of the command.
func (a *app) benchPutReport(ctx context.Context, results []benchPutResult, runErr error) error {
	if err := a.printPutResults(results); err != nil {
		return err
	}
	var failed, records int64
	for _, r := range results {
		a.sayFailures("kin bench put: "+r.Client, "record", r.byKind)
		failed += r.Failed
		records += r.Records
	}
	switch {
	case ctx.Err() != nil:
		return &failure{code: exitInterrupted, what: fmt.Sprintf("stopped by a signal: %s of %s were stored", thousands(records-failed), count(int(records), "record"))}
	case runErr != nil:
		return runErr
	case failed > 0:
		return &failure{code: exitIncomplete, what: fmt.Sprintf("%s of %s not stored", thousands(failed), count(int(records), "record"))}
	}
	return nil
}

func (a *app) printPutResults(results benchOf[benchPutResult]) error {
	if a.json() {
		return results.printJSON(a)
	}
	type result = *benchPutResult
	rows := []benchRow{
		results.figure("records/s", wholeText, func(r result) float64 { return r.PerSecond }),
		results.figure("MB/s", megabytesText, func(r result) float64 { return r.BytesPerS }),
		results.figure("CPU per record", microsText, func(r result) float64 { return r.CPU }),
		results.plain("stored", func(r result) string { return thousands(r.Stored) }),
		results.plain("not stored", func(r result) string { return thousands(r.Failed) }),
		results.plain("calls", func(r result) string { return thousands(r.Calls) }),
		results.plain("Kinesis records", func(r result) string { return thousands(r.Entries) }),
		results.plain("throttled", func(r result) string { return fmt.Sprintf("%.1f %%", r.Share*100) }),
		results.plain("delay p50", func(r result) string { return millisText(r.Delay.P50) }),
		results.plain("delay p99", func(r result) string { return millisText(r.Delay.P99) }),
		results.plain("delay p99.9", func(r result) string { return millisText(r.Delay.P999) }),
	}
	if err := a.printBench(each(results, func(r result) string { return r.Client }), rows); err != nil {
		return err
	}
	for _, r := range results {
		if r.Explanation != nil {
			fmt.Fprintf(a.io.Out, "\n%s is %s\n", r.Client, r.Explanation.line())
		}
	}
	return nil
}
