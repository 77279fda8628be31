package wire_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/kinstream/kin/wire"
)

func TestEndpointsAreRememberedOneByOne(t *testing.T) {
	t.Parallel()
	old := serve(t, func(r request) reply {
		if r.contentType == typeCBOR {
			return unsupported
		}
		return goodAnswer(r)
	})
	modern := serve(t, goodAnswer)
	codec, _ := newCodec(t, wire.Auto)
	client := old.client(codec.Apply)
	toModern := func(o *kinesis.Options) {
		o.BaseEndpoint, o.HTTPClient = aws.String("https://vpce-1.kinesis.us-east-1.vpce.amazonaws.com"), plainHTTP{modern.http}
	}
	for range 2 {
		put(t, client)
		put(t, client, toModern, codec.Apply)
	}
	if old.formats() != "CJJ" || modern.formats() != "CC" {
		t.Errorf("sent %s and %s, want CJJ and CC", old.formats(), modern.formats())
	}
}

// plainHTTP talks HTTP where the client believes to talk HTTPS.
type plainHTTP struct{ *http.Client }

func (p plainHTTP) Do(req *http.Request) (*http.Response, error) {
	req.URL.Scheme = "http"
	return p.Client.Do(req)
}

// Some servers take puts in CBOR, answer them properly, and store something that
// nobody can read (kinesalite 3.3.3 does). So a put to a server that is not AWS is
// JSON until its answers show that it knows what bytes are.
func TestPutsToOthersThanAWSAreJSONUntilCBORIsKnownToBeSafe(t *testing.T) {
	t.Parallel()
	base64InCBOR := []byte("\xa1\x67Records\x81\xa1\x64Data\x64TWFu")
	empty := encodeCBOR(&kinesis.GetRecordsOutput{Records: []types.Record{}}, cborStyle{})
	for _, c := range []struct {
		name   string
		answer func(request) reply
		calls  string
		sent   string
	}{
		{"puts alone show nothing", goodAnswer, "ppp", "JJJ"},
		{"a payload in CBOR", goodAnswer, "prpp", "JCCC"},
		{"no record yet", func(r request) reply {
			if r.operation == "GetRecords" {
				return reply{status: 200, contentType: typeCBOR, body: empty}
			}
			return goodAnswer(r)
		}, "rprp", "CJCJ"},
		{"payloads in base64 inside CBOR", func(r request) reply {
			if r.contentType == typeCBOR {
				return reply{status: 200, contentType: typeCBOR, body: base64InCBOR}
			}
			return goodAnswer(r)
		}, "prp", "JCJJ"},
		{"announced", func(r request) reply {
			a := goodAnswer(r)
			a.header = map[string]string{"Accept-Post": typeJSON + ", " + typeCBOR}
			return a
		}, "ppp", "JCC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			service := serve(t, c.answer)
			client := newClient(service.local, wire.Enable)
			for _, call := range c.calls {
				if call == 'r' {
					read(t, client)
				} else if got := put(t, client); got != "ok" {
					t.Errorf("put ended %s, want ok", got)
				}
			}
			if got := service.formats(); got != c.sent {
				t.Errorf("calls %s were sent as %s, want %s", c.calls, got, c.sent)
			}
		})
	}
}

func TestWhatIsAWSIsToldFromTheOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		option func(*kinesis.Options)
		want   string
	}{
		"defaults":      {func(o *kinesis.Options) { o.BaseEndpoint = nil }, typeCBOR},
		"VPC endpoint":  {func(o *kinesis.Options) { o.BaseEndpoint = new("https://vpce-1.kinesis.eu-west-1.vpce.amazonaws.com") }, typeCBOR},
		"China":         {func(o *kinesis.Options) { o.BaseEndpoint = new("https://kinesis.cn-north-1.amazonaws.com.cn") }, typeCBOR},
		"an emulator":   {func(o *kinesis.Options) { o.BaseEndpoint = new("http://localhost:4567") }, typeJSON},
		"a look-alike":  {func(o *kinesis.Options) { o.BaseEndpoint = new("https://amazonaws.com.example.org") }, typeJSON},
		"no host":       {func(o *kinesis.Options) { o.BaseEndpoint = new("localhost:4567") }, typeJSON},
		"own resolver":  {func(o *kinesis.Options) { o.BaseEndpoint, o.EndpointResolverV2 = nil, resolver{} }, typeJSON},
		"old resolver":  {func(o *kinesis.Options) { o.BaseEndpoint, o.EndpointResolver = nil, oldResolver }, typeJSON},
		"FIPS and dual": {func(o *kinesis.Options) { o.BaseEndpoint, o.EndpointOptions = nil, fipsAndDual }, typeCBOR},
	} {
		sent := ""
		client := newClient("http://unused", c.option, wire.Enable, withHTTP(httpFunc(func(req *http.Request) (*http.Response, error) {
			sent = req.Header.Get("Content-Type")
			a := goodAnswer(request{operation: "PutRecords", contentType: sent})
			return httpResponse(a.status, a.contentType, a.body), nil
		})))
		put(t, client)
		if sent != c.want {
			t.Errorf("%s: a put was sent as %q, want %q", name, sent, c.want)
		}
	}
}

var fipsAndDual = kinesis.EndpointResolverOptions{
	UseFIPSEndpoint: aws.FIPSEndpointStateEnabled, UseDualStackEndpoint: aws.DualStackEndpointStateEnabled,
}

var oldResolver = kinesis.EndpointResolverFromURL("http://localhost:4567")

type resolver struct{}

func (resolver) ResolveEndpoint(context.Context, kinesis.EndpointParameters) (smithyendpoints.Endpoint, error) {
	u, err := url.Parse("http://localhost:4567")
	return smithyendpoints.Endpoint{URI: *u}, err
}
