package fetch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/retry"
)

// Describer is what [Describe] calls.
type Describer interface {
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
}

// DescribeConfig is what Describe needs. The fields are those of [ListConfig].
type DescribeConfig struct {
	Client      Describer
	Caller      Caller
	Stream      Stream
	Backoff     retry.Backoff
	OnFailed    func(Failure)
	First       bool
	GiveUpAfter time.Duration
}

// Describe finds out what a stream is, and tries again as often as it must. The summary has an
// ARN. The error is that of ctx if that ended, else an [*Error].
func Describe(ctx context.Context, cfg DescribeConfig) (*types.StreamDescriptionSummary, error) {
	patience := ListConfig{First: cfg.First, GiveUpAfter: cfg.GiveUpAfter}
	began := time.Now()
	for attempt := 1; ; attempt++ {
		summary, err := describeOnce(ctx, cfg)
		if err == nil {
			return summary, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f := describe(err)
		f.Attempt = attempt
		if f.Class == Terminal && attempt == 1 && curable(Code(err)) {
			f.Class = Transient
		}
		if err := patience.judge(f, time.Since(began)); err != nil {
			return nil, err
		}
		f.Wait = cfg.Backoff.Delay(attempt)
		cfg.OnFailed(f)
		if err := Sleep(ctx, f.Wait); err != nil {
			return nil, err
		}
	}
}

func describeOnce(ctx context.Context, cfg DescribeConfig) (*types.StreamDescriptionSummary, error) {
	const op = "DescribeStreamSummary"
	in := &kinesis.DescribeStreamSummaryInput{StreamName: cfg.Stream.Name, StreamARN: cfg.Stream.ARN}
	out, err := Call(ctx, cfg.Caller, op, cfg.Client.DescribeStreamSummary, in)
	if err != nil {
		return nil, err
	}
	summary := out.StreamDescriptionSummary
	if summary == nil || summary.StreamARN == nil || *summary.StreamARN == "" {
		return nil, garbled(op, "it has no ARN")
	}
	return summary, nil
}
