package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/e2e/server"
)

// checkTimeout bounds one check. The slowest server takes seconds for megabytes.
const checkTimeout = 60 * time.Second

// probe is what a check works with: a client, streams of its own, and a list of
// what it found wrong. Its methods end the check when a call fails that the
// check does not ask about.
type probe struct {
	*kinesis.Client

	ctx      context.Context
	server   *server.Server
	failures []string
	cleanups []func()
}

func newProbe(ctx context.Context, s *server.Server) *probe {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	return &probe{Client: s.Client(), ctx: ctx, server: s, cleanups: []func(){cancel}}
}

func (p *probe) close() {
	for i := len(p.cleanups) - 1; i >= 0; i-- {
		p.cleanups[i]()
	}
}

func (p *probe) errorf(format string, args ...any) {
	p.failures = append(p.failures, fmt.Sprintf(format, args...))
}

func (p *probe) fatalf(format string, args ...any) {
	p.errorf(format, args...)
	runtime.Goexit()
}

// must ends the check if the step failed.
func (p *probe) must(err error, step string) {
	if err != nil {
		p.fatalf("%s: %v", step, err)
	}
}

// refused says that err must be the service's error with one of the codes.
func (p *probe) refused(err error, codes ...string) {
	if err == nil {
		p.errorf("accepted, want %s", strings.Join(codes, " or "))
		return
	}
	apiErr, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		p.errorf("got %v, want %s", err, strings.Join(codes, " or "))
		return
	}
	for _, code := range codes {
		if apiErr.ErrorCode() == code {
			return
		}
	}
	p.errorf("got %s (%s), want %s", apiErr.ErrorCode(), apiErr.ErrorMessage(), strings.Join(codes, " or "))
}

var streamCount atomic.Int64

// name returns a name that no other stream has.
func (p *probe) name() string {
	return fmt.Sprintf("check-%d", streamCount.Add(1))
}

// stream creates a stream and waits until it is ACTIVE. It is deleted after the check.
func (p *probe) stream(shards int32) string {
	name := p.name()
	_, err := p.CreateStream(p.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards})
	p.must(err, "create stream")
	p.deleteAfter(name)
	p.active(name)
	return name
}

func (p *probe) deleteAfter(stream string) {
	p.cleanups = append(p.cleanups, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
		defer cancel()
		_, _ = p.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &stream, EnforceConsumerDeletion: aws.Bool(true)})
	})
}

// active waits until the stream is ACTIVE and returns its description.
func (p *probe) active(stream string) *types.StreamDescription {
	var description *types.StreamDescription
	p.eventually("stream is ACTIVE", func() bool {
		out, err := p.DescribeStream(p.ctx, &kinesis.DescribeStreamInput{StreamName: &stream})
		p.must(err, "describe stream")
		description = out.StreamDescription
		return description.StreamStatus == types.StreamStatusActive
	})
	return description
}

// eventually waits until the condition holds.
func (p *probe) eventually(what string, condition func() bool) {
	for !condition() {
		if !p.pause(10 * time.Millisecond) {
			p.fatalf("never came true: %s", what)
		}
	}
}

// pause lets real time pass, because the servers have no clock that could be
// set. It reports whether the check may go on.
func (p *probe) pause(d time.Duration) bool {
	select {
	case <-p.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (p *probe) put(stream, key, data string) *kinesis.PutRecordOutput {
	out, err := p.PutRecord(p.ctx, &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: &key, Data: []byte(data)})
	p.must(err, "put record")
	return out
}

// shards lists all shards of the stream.
func (p *probe) shards(stream string) []types.Shard {
	out, err := p.ListShards(p.ctx, &kinesis.ListShardsInput{StreamName: &stream})
	p.must(err, "list shards")
	return out.Shards
}

// iterator returns a shard iterator; change completes the request.
func (p *probe) iterator(stream, shard string, kind types.ShardIteratorType, change ...func(*kinesis.GetShardIteratorInput)) string {
	in := &kinesis.GetShardIteratorInput{StreamName: &stream, ShardId: &shard, ShardIteratorType: kind}
	for _, c := range change {
		c(in)
	}
	out, err := p.GetShardIterator(p.ctx, in)
	p.must(err, "get shard iterator")
	return aws.ToString(out.ShardIterator)
}

func (p *probe) get(iterator string, limit int32) *kinesis.GetRecordsOutput {
	in := &kinesis.GetRecordsInput{ShardIterator: &iterator}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := p.GetRecords(p.ctx, in)
	p.must(err, "get records")
	return out
}

// read gets until the shard ends or want records are there, and returns their data.
func (p *probe) read(iterator string, want int) []string {
	var got []string
	for range 100 {
		out := p.get(iterator, 0)
		for _, r := range out.Records {
			got = append(got, string(r.Data))
		}
		if len(got) >= want || out.NextShardIterator == nil {
			break
		}
		iterator = *out.NextShardIterator
	}
	return got
}

func (p *probe) equal(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		p.errorf("%s = %s, want %s", what, g, w)
	}
}

// raw sends a request that the SDK would not make and returns status, headers and body.
func (p *probe) raw(operation, contentType, body string) (int, http.Header, string) {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.server.URL+"/", strings.NewReader(body))
	p.must(err, "make request")
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Amz-Target", "Kinesis_20131202."+operation)
	req.Header.Set("X-Amz-Date", "20260101T000000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/kinesis/aws4_request, "+
		"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="+strings.Repeat("0", 64))
	resp, err := p.server.HTTPClient().Do(req)
	p.must(err, "send request")
	defer resp.Body.Close()
	var answer bytes.Buffer
	_, err = io.Copy(&answer, resp.Body)
	p.must(err, "read answer")
	return resp.StatusCode, resp.Header, answer.String()
}
