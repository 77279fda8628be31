package wire_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/wire"
)

// oneRecord and stored are good answers to GetRecords and to puts.
var oneRecord = &kinesis.GetRecordsOutput{Records: []types.Record{{
	Data: []byte("payload"), PartitionKey: new("key"), SequenceNumber: new("495"),
}}}

var stored = &kinesis.PutRecordsOutput{FailedRecordCount: new(int32(0)), Records: []types.PutRecordsResultEntry{{
	SequenceNumber: new("495"), ShardId: new("shardId-000000000000"),
}}}

func goodAnswer(r request) reply {
	var out output = oneRecord
	if r.operation != "GetRecords" {
		out = stored
	}
	if r.contentType == typeCBOR {
		return reply{status: 200, contentType: typeCBOR, body: encodeCBOR(out, cborStyle{})}
	}
	return reply{status: 200, contentType: typeJSON, body: encodeJSON(out)}
}

// read and put make one call each and say how it ended.
func read(t *testing.T, c *kinesis.Client, options ...func(*kinesis.Options)) string {
	t.Helper()
	out, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: new("AAA")}, options...)
	switch {
	case err != nil:
		return "error"
	case len(out.Records) == 1 && string(out.Records[0].Data) == "payload":
		return "ok"
	}
	return "empty"
}

func put(t *testing.T, c *kinesis.Client, options ...func(*kinesis.Options)) string {
	t.Helper()
	out, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: new("orders"), Records: []types.PutRecordsRequestEntry{
		{Data: []byte("payload"), PartitionKey: new("key")},
	}}, options...)
	switch {
	case err != nil:
		return "error"
	case len(out.Records) == 1 && *out.Records[0].SequenceNumber == "495":
		return "ok"
	}
	return "empty"
}

// buffer is how kinesalite writes a payload in CBOR: as the fields of its own object.
var buffer = []byte("\xa1\x67Records\x81\xa1\x64Data\xa2\x64type\x66Buffer\x64data\x82\x01\x02")

var (
	html         = reply{status: 503, contentType: "text/html", body: []byte("<html>no backend</html>")}
	htmlTeapot   = reply{status: 403, contentType: "text/html", body: []byte("<html>forbidden</html>")}
	notFoundJSON = reply{status: 400, contentType: typeJSON, body: []byte(`{"__type":"ResourceNotFoundException","message":"m"}`)}
	invalidJSON  = reply{status: 400, contentType: typeJSON, body: []byte(`{"__type":"ValidationException","message":"m"}`)}
	throttleJSON = reply{status: 400, contentType: typeJSON, body: []byte(`{"__type":"ProvisionedThroughputExceededException","message":"m"}`)}
	kmsJSON      = reply{status: 400, contentType: typeJSON, body: []byte(`{"__type":"KMSNotFoundException","message":"m"}`)}
	unreadable   = reply{status: 400, contentType: typeJSON, body: []byte(`{"__type":"SerializationException"}`)}
	unknown      = reply{status: 404, contentType: "", body: []byte("<UnknownOperationException/>\n")}
	unsupported  = reply{status: 415, contentType: "text/plain", body: []byte("what?")}
	internalJSON = reply{status: 500, contentType: typeJSON, body: []byte(`{"__type":"InternalFailureException","message":"m"}`)}
	brokenCBOR   = reply{status: 200, contentType: typeCBOR, body: buffer}
	brokenPut    = reply{status: 200, contentType: typeCBOR, body: []byte("\xa1\x67Records\xa1\x61a\x01")}
	garbage      = reply{status: 200, contentType: "text/plain", body: []byte("OK")}
	throttleCBOR = reply{status: 400, contentType: typeCBOR, body: []byte("\xa1\x66__type\x78\x26ProvisionedThroughputExceededException")}
)

// good stands for a proper answer in a list of replies.
var good = reply{}

// fallbackCases goes through the table of doc.go. The server answers CBOR requests
// with the replies of cbor, one after the other and the last one again and again, and
// JSON requests with those of json, or properly where there are none.
var fallbackCases = []struct {
	name       string
	cbor, json []reply
	calls      string // r: read, p: put
	want       string // how they end: + well, - with an error, 0 without anything
	sent       string // C: CBOR, J: JSON
	fallbacks  int
}{
	{"all is well", []reply{good}, nil, "rpr", "+++", "CCC", 0},

	{"broken CBOR, read", []reply{brokenCBOR}, nil, "rrp", "+++", "CJJJ", 1},
	{"broken CBOR after having spoken, read", []reply{good, brokenCBOR}, nil, "prp", "+++", "CCJJ", 1},
	{"broken CBOR, put", []reply{brokenPut}, nil, "ppr", "-++", "CJJ", 1},
	{"broken CBOR, and JSON fails too", []reply{brokenCBOR, good}, []reply{html}, "rr", "-+", "CJC", 0},

	{"415", []reply{unsupported}, nil, "ppr", "+++", "CJJJ", 1},
	{"415 after having spoken", []reply{good, unsupported}, nil, "rpp", "+++", "CCJJ", 1},
	{"unreadable", []reply{unreadable}, nil, "rp", "++", "CJJ", 1},
	{"unreadable in JSON too", []reply{unreadable, good}, []reply{unreadable}, "pp", "-+", "CJC", 0},
	{"unknown operation", []reply{unknown}, nil, "pr", "++", "CJJ", 1},
	{"415, and JSON is understood", []reply{unsupported}, []reply{notFoundJSON, good}, "pp", "-+", "CJJ", 1},
	{"415, and JSON fails", []reply{unsupported, good}, []reply{html}, "pp", "-+", "CJC", 0},

	{"4xx in CBOR", []reply{throttleCBOR, good}, nil, "pp", "-+", "CC", 0},
	{"4xx of a proxy", []reply{htmlTeapot}, nil, "pp", "++", "CJJ", 1},
	{"4xx of a proxy to both", []reply{htmlTeapot, good}, []reply{htmlTeapot}, "pp", "-+", "CJC", 0},
	{"4xx of a proxy after having spoken", []reply{good, htmlTeapot, good}, nil, "ppp", "+-+", "CCC", 0},
	{"a JSON error, and JSON works", []reply{invalidJSON}, nil, "pr", "++", "CJJ", 1},
	{"the same JSON error twice", []reply{notFoundJSON, good}, []reply{notFoundJSON}, "rr", "-+", "CJC", 0},
	{"another JSON error", []reply{invalidJSON}, []reply{notFoundJSON, good}, "rr", "-+", "CJJ", 1},
	{"a JSON error after having spoken", []reply{good, notFoundJSON, good}, nil, "rrr", "+-+", "CCC", 0},
	{"a throttle in JSON", []reply{throttleJSON, good}, nil, "pp", "-+", "CC", 0},
	{"a missing key in JSON", []reply{kmsJSON, good}, nil, "pp", "-+", "CC", 0},

	{"5xx of a proxy, read", []reply{html}, nil, "rr", "++", "CJJ", 1},
	{"5xx of a proxy, put", []reply{html}, nil, "ppp", "-++", "CJJ", 1},
	{"5xx of a proxy to both, read", []reply{html, good}, []reply{html}, "rrr", "-++", "CJCC", 0},
	{"5xx of a proxy to both, put", []reply{html, good}, []reply{html}, "pppp", "--++", "CJCC", 0},
	{"5xx of a proxy after having spoken", []reply{good, html, good}, nil, "rrp", "+-+", "CCC", 0},
	{"5xx in JSON", []reply{internalJSON}, nil, "pp", "-+", "CJ", 1},

	{"200 that is nothing, read", []reply{garbage}, nil, "rr", "++", "CJJ", 1},
	{"200 that is nothing, put", []reply{garbage}, nil, "pp", "-+", "CJ", 1},
	{"200 that is nothing after having spoken", []reply{good, garbage, good}, nil, "ppp", "+-+", "CCC", 0},
	{"200 in JSON", []reply{{status: 200, contentType: typeJSON, body: encodeJSON(oneRecord)}}, nil, "rr", "++", "CC", 0},
	{"200 and nothing in it", []reply{{status: 200}}, nil, "rr", "00", "CC", 0},

	{"no answer", []reply{{hangUp: true}, good}, nil, "ppr", "-++", "CCC", 0},
	{"a redirect", []reply{{status: 304}, good}, nil, "rr", "-+", "CC", 0},
}

// makeCalls makes a read for each r and a put for each p, and says how each ended.
func makeCalls(t *testing.T, client *kinesis.Client, calls string) string {
	t.Helper()
	var b strings.Builder
	for _, c := range calls {
		how := put
		if c == 'r' {
			how = read
		}
		b.WriteString(map[string]string{"ok": "+", "error": "-", "empty": "0"}[how(t, client)])
	}
	return b.String()
}

func TestFallback(t *testing.T) {
	t.Parallel()
	for _, c := range fallbackCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			next := func(replies []reply, n *int, r request) reply {
				if len(replies) == 0 {
					return goodAnswer(r)
				}
				a := replies[min(*n, len(replies)-1)]
				*n++
				if a.status == 0 && !a.hangUp {
					return goodAnswer(r)
				}
				return a
			}
			var nCBOR, nJSON int
			service := serve(t, func(r request) reply {
				if r.contentType == typeCBOR {
					return next(c.cbor, &nCBOR, r)
				}
				return next(c.json, &nJSON, r)
			})
			codec, fallbacks := newCodec(t, wire.Auto)
			client := service.client(codec.Apply)
			if got := makeCalls(t, client, c.calls); got != c.want {
				t.Errorf("calls %s ended %s, want %s", c.calls, got, c.want)
			}
			if g := service.formats(); g != c.sent {
				t.Errorf("calls %s were sent as %s, want %s", c.calls, g, c.sent)
			}
			if g := fallbacks(); len(g) != c.fallbacks {
				t.Errorf("fallbacks = %v, want %d", g, c.fallbacks)
			}
			for _, f := range fallbacks() {
				if f.Endpoint != service.url || f.Operation == "" || f.Err == nil {
					t.Errorf("fallback %+v, want endpoint %s, an operation and an error", f, service.url)
				}
			}
		})
	}
}

func TestAPutIsNotMadeAgainWhenAnEarlierAttemptMayHaveStored(t *testing.T) {
	t.Parallel()
	n := 0
	service := serve(t, func(r request) reply {
		if r.contentType != typeCBOR {
			return goodAnswer(r)
		}
		if n++; n == 1 {
			return reply{hangUp: true}
		}
		return unsupported
	})
	codec, _ := newCodec(t, wire.Auto)
	client := service.client(codec.Apply, func(o *kinesis.Options) { o.RetryMaxAttempts = 3 })
	if got, sent := put(t, client), service.formats(); got != "error" || sent != "CC" {
		t.Errorf("put ended %s after %s, want error after CC", got, sent)
	}
	if got, sent := put(t, client), service.formats(); got != "ok" || sent != "CCJ" {
		t.Errorf("the next put ended %s after %s, want ok after CCJ", got, sent)
	}
}

func TestFormatsThatAreSetAreKept(t *testing.T) {
	t.Parallel()
	service := serve(t, func(r request) reply {
		if r.contentType == typeCBOR {
			return unsupported
		}
		return goodAnswer(r)
	})
	always, fallbacks := newCodec(t, wire.CBOR)
	client := service.client(always.Apply)
	if got := makeCalls(t, client, "rp"); got != "--" || service.formats() != "CC" {
		t.Errorf("CBOR: calls ended %s after %s, want -- after CC", got, service.formats())
	}
	never, _ := newCodec(t, wire.JSON)
	client = service.client(never.Apply)
	if got := makeCalls(t, client, "rp"); got != "++" || service.formats() != "CCJJ" {
		t.Errorf("JSON: calls ended %s after %s, want ++ after CCJJ", got, service.formats())
	}
	if len(fallbacks()) != 0 {
		t.Errorf("fallbacks = %v, want none", fallbacks())
	}
	if _, err := wire.New(wire.Config{Format: 9}); err == nil || !strings.Contains(err.Error(), "Config.Format (9)") {
		t.Errorf("New(Format 9) = %v, want an error that names the field", err)
	}
}

func TestOneDamagedAnswerDoesNotCondemnAnEndpoint(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			service := &scripted{}
			codec, fallbacks := newCodec(t, wire.Auto)
			client := newClient("http://unused.amazonaws.com", withHTTP(service), codec.Apply)
			read(t, client)
			service.cborBreaks = true
			got := read(t, client) + read(t, client)
			service.cborBreaks = again
			sleep(wire.DoubtFor)
			got += read(t, client)
			service.cborBreaks = false
			got += read(t, client)
			want, calls := "CCJJCC", 1
			if again {
				want, calls = "CCJJCJJ", 2
			}
			if got != "okokokok" || service.sent != want || len(fallbacks()) != calls {
				t.Errorf("damaged again %v: reads ended %s after %s with fallbacks %v, want ok each after %s with %d",
					again, got, service.sent, fallbacks(), want, calls)
			}
		})
	}
}

func TestADoubtedEndpointGetsOneMoreTrial(t *testing.T) {
	t.Parallel()
	for _, healed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			service := &scripted{}
			codec, fallbacks := newCodec(t, wire.Auto)
			client := newClient("http://unused.amazonaws.com", withHTTP(service), codec.Apply)
			service.cborFails = true
			put(t, client)
			put(t, client)
			sleep(wire.DoubtFor - 1)
			put(t, client)
			if got, want := service.sent, "CJJ"; got != want {
				t.Fatalf("sent %s, want %s", got, want)
			}
			sleep(1)
			service.cborFails = !healed
			put(t, client)
			put(t, client)
			sleep(100 * wire.DoubtFor)
			put(t, client)
			want, calls := "CJJCCC", 1
			if !healed {
				want, calls = "CJJCJJ", 2
			}
			if service.sent != want || len(fallbacks()) != calls {
				t.Errorf("healed %v: sent %s with fallbacks %v, want %s with %d", healed, service.sent, fallbacks(), want, calls)
			}
			if until := fallbacks()[0].Until; until.IsZero() {
				t.Error("the first fallback has no end, want one")
			}
		})
	}
}

// scripted is a service without a network.
type scripted struct {
	cborFails, cborBreaks bool
	sent                  string
}

func (s *scripted) Do(req *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	r := request{operation: operation, contentType: req.Header.Get("Content-Type")}
	a := goodAnswer(r)
	s.sent += map[bool]string{true: "C", false: "J"}[r.contentType == typeCBOR]
	switch {
	case r.contentType == typeCBOR && s.cborFails:
		a = html
	case r.contentType == typeCBOR && s.cborBreaks:
		a = brokenCBOR
	}
	return httpResponse(a.status, a.contentType, a.body), nil
}
