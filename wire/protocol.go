package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/internal/jsonscan"
)

const (
	contentTypeCBOR = "application/x-amz-cbor-1.1"
	contentTypeJSON = "application/x-amz-json-1.1"
	targetPrefix    = "Kinesis_20131202."
)

// protocol is what clients get as Options.Protocol, one for each endpoint. It
// embeds the SDK's own, which does all that is not overridden here: the other
// operations, their event streams, and errors.
type protocol struct {
	smithyhttp.ClientProtocol

	codec    *Codec
	endpoint *endpoint
}

// SerializeRequest encodes a hot operation, and lets the SDK encode any other.
func (p *protocol) SerializeRequest(
	ctx context.Context, schema *smithy.OperationSchema, in smithy.Serializable, req *smithyhttp.Request,
) error {
	format := p.format(ctx)
	content, hot := encode(format, in, &p.codec.requests)
	if !hot {
		if err := p.ClientProtocol.SerializeRequest(ctx, schema, in, req); err != nil {
			return err
		}
		if sent, ok := req.GetStream().(io.ReadSeeker); ok {
			return setBody(req, plainStream{sent})
		}
		return nil
	}
	req.Method = http.MethodPost
	if req.URL.Path == "" {
		req.URL.Path = "/"
	}
	contentType := contentTypeCBOR
	if format == JSON {
		contentType = contentTypeJSON
	}
	req.Header.Set("X-Amz-Target", targetPrefix+schema.ID().Name)
	req.Header.Set("Content-Type", contentType)
	body := &hotBody{content: content}
	if c := callFrom(ctx); c != nil {
		c.body = body
	}
	return setBody(req, body)
}

// format decides how the call of ctx is encoded, and tells the call. A call that
// does not go through the fallback can't be repaired, and so does not risk CBOR.
func (p *protocol) format(ctx context.Context) Format {
	c := callFrom(ctx)
	if c == nil {
		return JSON
	}
	c.protocol, c.sent = p, p.codec.cfg.Format
	switch {
	case c.again:
		c.sent = JSON
	case c.sent == Auto:
		c.sent, c.lastTrial = p.endpoint.choose(time.Now(), c.operation != opGetRecords)
	}
	return c.sent
}

// DeserializeResponse decodes the answer to a hot operation, and lets the SDK
// decode any other.
func (p *protocol) DeserializeResponse(
	ctx context.Context, schema *smithy.OperationSchema, registry *smithy.TypeRegistry, resp *smithyhttp.Response, out smithy.Deserializable,
) error {
	switch out := out.(type) {
	case *kinesis.GetRecordsOutput:
		*out = kinesis.GetRecordsOutput{} // an earlier attempt may have left something
	case *kinesis.PutRecordsOutput:
		*out = kinesis.PutRecordsOutput{}
	case *kinesis.PutRecordOutput:
		*out = kinesis.PutRecordOutput{}
	default:
		return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, resp, out)
	}
	body, err := p.codec.readBody(resp.Response)
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	a := answer{status: resp.StatusCode, form: formOf(resp.Header.Get("Content-Type"), body)}
	if a.status >= 200 && a.status < 300 {
		err = decodeOutput(a.form, body, out)
		a.decoded = err == nil
		a.payload = a.decoded && hasPayload(out)
		a.cut = resp.ContentLength < 0 && errors.Is(err, cbor.ErrTruncated)
	} else {
		err = p.decodeError(ctx, schema, registry, resp, &a, body)
		if e, ok := errors.AsType[smithy.APIError](err); ok {
			a.code = e.ErrorCode()
		}
	}
	a.announced = strings.Contains(resp.Header.Get("Accept-Post"), contentTypeCBOR)
	if c := callFrom(ctx); c != nil && c.protocol == p {
		c.note(a, err)
	}
	return err
}

// hasPayload reports whether an answer holds the payload of a record.
func hasPayload(out smithy.Deserializable) bool {
	read, ok := out.(*kinesis.GetRecordsOutput)
	return ok && slices.ContainsFunc(read.Records, func(r types.Record) bool { return r.Data != nil })
}

// decodeError lets the SDK make the error, so that it is the very error that the
// SDK would have made. CBOR is turned into JSON for it; what only claims to be CBOR is
// noted in a.
func (p *protocol) decodeError(
	ctx context.Context, schema *smithy.OperationSchema, registry *smithy.TypeRegistry, resp *smithyhttp.Response, a *answer, body []byte,
) error {
	if a.form == formCBOR {
		r := cbor.NewReader(body)
		text, err := appendAsJSON(nil, &r, 0)
		if err != nil {
			a.form = formOther
			return &smithy.DeserializationError{
				Err:      fmt.Errorf("decode error answer at byte %d of %d: %w", r.Offset(), len(body), err),
				Snapshot: body[:min(len(body), maxSnapshot)],
			}
		}
		body = text
	}
	return p.ClientProtocol.DeserializeResponse(ctx, schema, registry, withBody(resp, body), nil)
}

// maxSnapshot is how much of an answer an error keeps, as in the SDK.
const maxSnapshot = 1024

// decodeOutput decodes a successful answer. What comes after the value is
// ignored, as the SDK does, and so is an answer without a body.
func decodeOutput(f form, body []byte, out smithy.Deserializable) error {
	if len(body) == 0 {
		return nil
	}
	var err error
	var offset int
	if f == formCBOR {
		r := cbor.NewReader(body)
		if tagged := r; skipSelfDescription(&tagged) {
			r = tagged
		}
		err = decodeCBOR(&r, out)
		offset = r.Offset()
	} else {
		s := jsonscan.New(body)
		err = decodeJSON(&s, out)
		offset = s.Offset()
	}
	if err != nil {
		return &smithy.DeserializationError{Err: fmt.Errorf("decode answer at byte %d of %d: %w", offset, len(body), err)}
	}
	return nil
}

// skipSelfDescription passes the tag that some encoders begin CBOR with.
func skipSelfDescription(r *cbor.Reader) bool {
	tag, err := r.Tag()
	return err == nil && tag == 55799
}

func decodeCBOR(r *cbor.Reader, out smithy.Deserializable) error {
	switch out := out.(type) {
	case *kinesis.GetRecordsOutput:
		return cborGetRecords(r, out)
	case *kinesis.PutRecordsOutput:
		return cborPutRecords(r, out)
	case *kinesis.PutRecordOutput:
		return cborPutRecord(r, out)
	}
	return fmt.Errorf("wire: BUG: %T is not a hot operation's", out)
}

func decodeJSON(s *jsonscan.Scanner, out smithy.Deserializable) error {
	switch out := out.(type) {
	case *kinesis.GetRecordsOutput:
		return jsonGetRecords(s, out)
	case *kinesis.PutRecordsOutput:
		return jsonPutRecords(s, out)
	case *kinesis.PutRecordOutput:
		return jsonPutRecord(s, out)
	}
	return fmt.Errorf("wire: BUG: %T is not a hot operation's", out)
}
