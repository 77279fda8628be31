package wire

import (
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"github.com/kinstream/kin/internal/sdkjson"
)

// Format says how GetRecords, PutRecords and PutRecord are encoded. All other
// operations are AWS JSON 1.1 always.
type Format uint8

const (
	// Auto uses CBOR, and JSON for endpoints that turn out not to speak CBOR. Puts
	// to endpoints other than AWS are JSON until it is known that CBOR is safe there.
	Auto Format = iota

	// CBOR uses CBOR always, without looking at what the endpoint makes of it. An
	// endpoint that does not speak it gives errors, and some that seem to speak it store
	// payloads that can't be read again: use it only where you know better than Auto.
	CBOR

	// JSON uses AWS JSON 1.1 always, encoded and decoded by this package.
	JSON
)

// String returns the name of the format.
func (f Format) String() string {
	switch f {
	case Auto:
		return "Auto"
	case CBOR:
		return "CBOR"
	case JSON:
		return "JSON"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// Config holds the settings of a [Codec]. The zero value is what most programs want.
type Config struct {
	// Format says how requests are encoded. Answers are always decoded by what
	// they are. Defaults to Auto.
	Format Format

	// Hooks are functions that are called when something happens that no result
	// tells. Defaults to none.
	Hooks Hooks
}

// Hooks are called without any lock held, from the goroutine that makes the
// call to Kinesis. They must not block. Fields may be nil.
type Hooks struct {
	// Fallback is called when an endpoint is found not to speak CBOR, once each
	// time that a [Codec] begins to use JSON for it.
	Fallback func(FallbackInfo)
}

// FallbackInfo says why an endpoint is served with JSON.
type FallbackInfo struct {
	// Endpoint is the base endpoint of the client, or the host that serves its
	// region.
	Endpoint string

	// Operation is the one whose answer showed it, for example GetRecords.
	Operation string

	// Err is what the endpoint answered to CBOR.
	Err error

	// Until is when CBOR is tried once more. It is zero when the answer left no
	// doubt: then the endpoint is served with JSON for the life of the Codec.
	Until time.Time
}

// Codec makes Kinesis clients use this package, and remembers which endpoints do
// not speak CBOR. It is safe for concurrent use, and one Codec may serve any
// number of clients. Make one with [New].
type Codec struct {
	cfg  Config
	cold smithyhttp.ClientProtocol // the SDK's own but for a race, for all that is not hot

	scratch  sync.Pool // of *[]byte, for answers that do not tell their size
	requests buffers

	mu        sync.RWMutex // guards the map, not what is in it
	protocols map[endpointKey]*protocol
}

// New returns a Codec. It returns an error when a setting is wrong, and names the
// field.
func New(cfg Config) (*Codec, error) {
	if cfg.Format > JSON {
		return nil, fmt.Errorf("wire: Config.Format (%d) is not Auto, CBOR or JSON", cfg.Format)
	}
	return &Codec{
		cfg:       cfg,
		cold:      sdkjson.New(),
		protocols: make(map[endpointKey]*protocol),
	}, nil
}

// Enable is an option for [kinesis.NewFromConfig] and [kinesis.New] that gives
// the client a Codec of its own with default settings. As an option of a single
// call it works as well, but remembers nothing from one call to the next: use
// [Codec.Apply] there.
func Enable(o *kinesis.Options) {
	codec, err := New(Config{})
	if err != nil {
		panic("wire: BUG: the zero Config is refused: " + err.Error())
	}
	codec.Apply(o)
}

// Apply is an option for clients and for single calls that makes them use c.
// Applying it twice, to a client and again to its calls, is harmless, and so is
// applying two Codecs: the first one stays. Clients whose Options.Protocol is neither
// the SDK's AWS JSON 1.1 nor this package's are left as they are.
func (c *Codec) Apply(o *kinesis.Options) {
	switch p := o.Protocol.(type) {
	case *protocol:
		if p.codec == c { // the call may go to another endpoint than its client
			o.Protocol = c.protocolFor(o)
		}
		return
	case *awsjson.Protocol:
		if p.ID().Name != "awsJson1_1" {
			return
		}
	case sdkjson.Protocol, nil:
	default:
		return
	}
	o.Protocol = c.protocolFor(o)
	o.APIOptions = append(o.APIOptions, addFallback)
}

// endpointKey is what decides which servers a client talks to, as far as its
// options tell.
type endpointKey struct {
	base   string
	region string
	fips   aws.FIPSEndpointState
	dual   aws.DualStackEndpointState
	aws    bool // see isAWS
}

func (k endpointKey) String() string {
	switch {
	case k.base != "":
		return k.base
	case k.fips == aws.FIPSEndpointStateEnabled:
		return "kinesis-fips." + k.region
	}
	return "kinesis." + k.region
}

// protocolFor returns the protocol of the endpoint that o leads to.
func (c *Codec) protocolFor(o *kinesis.Options) *protocol {
	key := endpointKey{
		base:   aws.ToString(o.BaseEndpoint),
		region: o.Region,
		fips:   o.EndpointOptions.UseFIPSEndpoint,
		dual:   o.EndpointOptions.UseDualStackEndpoint,
		aws:    isAWS(o),
	}
	c.mu.RLock()
	p := c.protocols[key]
	c.mu.RUnlock()
	if p != nil {
		return p
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p = c.protocols[key]; p == nil {
		p = &protocol{ClientProtocol: c.cold, codec: c, endpoint: &endpoint{name: key.String(), trusted: key.aws}}
		c.protocols[key] = p
	}
	return p
}
