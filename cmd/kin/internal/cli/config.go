package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go/logging"
)

const (
	// defaultRegion is what requests to an endpoint other than AWS are signed for
	// when no region is configured: such servers accept any.
	defaultRegion = "us-east-1"

	// localCredentials is the time that configured credentials get to appear when
	// the endpoint is on this machine, before dummy ones are used. Keys in the
	// environment or in a file take none of it.
	localCredentials = 2 * time.Second

	// findCredentials bounds the search for credentials for AWS. Only sources that
	// ask over a network (a role, SSO, the instance's metadata) take time.
	findCredentials = 20 * time.Second
)

// target is where the requests of a run go, for error messages.
type target struct {
	endpoint string // as configured; "" = AWS
	region   string
}

func (t target) String() string {
	if t.endpoint != "" {
		return t.endpoint
	}
	return "AWS in " + t.region
}

// isAWS says whether the service itself answers, with its limits; most other servers have none.
func (t target) isAWS() bool {
	return t.endpoint == "" || strings.Contains(t.endpoint, "amazonaws.com")
}

// client makes the Kinesis client of the run from the flags and the AWS
// configuration. It makes no request to Kinesis, but makes sure that there are
// credentials, so that the lack of them is one early and clear error.
func (a *app) client(ctx context.Context) (*kinesis.Client, error) {
	cfg, err := a.configFor(ctx, func(cfg aws.Config) *string { return kinesis.NewFromConfig(cfg).Options().BaseEndpoint })
	if errors.Is(err, errNoRegion) {
		return nil, usageErr("no region", "give --region, or set AWS_REGION, or a region in the profile")
	}
	if err != nil {
		return nil, err
	}
	return kinesis.NewFromConfig(cfg, func(o *kinesis.Options) {
		o.APIOptions = append(o.APIOptions, addForeignCheck)
	}), nil
}

// errNoRegion says that neither flags nor configuration name a region.
var errNoRegion = errors.New("no region")

// configFor finds the configuration for a service, whose endpoint endpointOf takes from one, and
// sets where requests go. What is special about servers on this machine and about others
// than those of AWS is here.
func (a *app) configFor(ctx context.Context, endpointOf func(aws.Config) *string) (aws.Config, error) {
	if err := checkEndpoint(a.flags.endpoint); err != nil {
		return aws.Config{}, err
	}
	cfg, err := a.loadConfig(ctx, false)
	if err != nil {
		return aws.Config{}, err
	}
	endpoint := aws.ToString(endpointOf(cfg))
	if err := checkEndpoint(endpoint); err != nil {
		return aws.Config{}, err
	}
	if isLoopback(endpoint) {
		// A second look without the instance metadata service, which never knows
		// anything about a server on this machine and may not answer for seconds.
		if cfg, err = a.loadConfig(ctx, true); err != nil {
			return aws.Config{}, err
		}
		cfg.Credentials = localOrDummy(ctx, cfg.Credentials)
	}
	if cfg.Region == "" {
		cfg.Region = a.arnRegion
	}
	if cfg.Region == "" && endpoint != "" {
		cfg.Region = defaultRegion
	}
	a.target = target{endpoint: endpoint, region: cfg.Region}
	if cfg.Region == "" {
		return aws.Config{}, errNoRegion
	}
	if err := checkRegion(cfg.Region); err != nil {
		return aws.Config{}, err
	}
	return cfg, a.checkCredentials(ctx, cfg)
}

// loadConfig reads the AWS configuration. For a server on this machine it leaves out where
// credentials of AWS may be found.
func (a *app) loadConfig(ctx context.Context, local bool) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		// The client is of the SDK's buildable type, because that is the only one
		// to which the SDK can add the certificates of AWS_CA_BUNDLE.
		config.WithHTTPClient(a.httpClient()),
		// The SDK logs warnings about metadata services: what matters becomes an error here.
		config.WithLogger(logging.Nop{}),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(giveUpAtOnce)}, o.Retryables...)
			})
		}),
	}
	if a.flags.region != "" {
		options = append(options, config.WithRegion(a.flags.region))
	}
	if a.flags.profile != "" {
		options = append(options, config.WithSharedConfigProfile(a.flags.profile))
	}
	if a.flags.endpoint != "" {
		options = append(options, config.WithBaseEndpoint(a.flags.endpoint))
	}
	if local {
		options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, configErr(err)
	}
	return cfg, nil
}

// httpClient bounds each step of a request, so that no command hangs on an
// endpoint that accepts connections and then says nothing.
func (a *app) httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = min(a.flags.timeout, 5*time.Second) }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = a.flags.timeout
			t.MaxIdleConnsPerHost = 64
		}).
		// The body of the largest answer, 10 MiB, may take its time on a slow line.
		WithTimeout(a.flags.timeout + time.Minute)
}

// giveUpAtOnce keeps the SDK from trying again where a person would rather know:
// an endpoint that did not answer in the time that the user set, where nothing
// listens, or that is no server of this kind.
func giveUpAtOnce(err error) aws.Ternary {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if untrusted || isTimeout(err) || errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), malformedHTTP) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return usageErr(fmt.Sprintf("endpoint %q is not a URL", endpoint), "give it with its scheme, for example http://127.0.0.1:4567")
}

// checkRegion refuses what cannot be part of a host name. Whether the region
// exists is known only to AWS.
func checkRegion(region string) error {
	if strings.Trim(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
		return nil
	}
	return usageErr(fmt.Sprintf("region %q is not the name of a region", region), "regions look like eu-central-1")
}

// isLoopback says whether the endpoint is a server on this machine.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || endpoint == "" {
		return false
	}
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// localOrDummy is the configured credentials, or dummy ones if there are none
// or if they cannot be had in a short time.
func localOrDummy(ctx context.Context, configured aws.CredentialsProvider) aws.CredentialsProvider {
	if configured != nil {
		ctx, cancel := context.WithTimeout(ctx, localCredentials)
		defer cancel()
		if found, err := configured.Retrieve(ctx); err == nil && found.HasKeys() {
			return configured
		}
	}
	return credentials.NewStaticCredentialsProvider("local", "local", "")
}

// checkCredentials looks for credentials now, once: the SDK would look at the
// first request, and report it as that request's failure.
func (a *app) checkCredentials(ctx context.Context, cfg aws.Config) error {
	ctx, cancel := context.WithTimeout(ctx, findCredentials)
	defer cancel()
	if cfg.Credentials == nil {
		return credentialsErr(errors.New("none configured"))
	}
	found, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return credentialsErr(err)
	}
	if !found.HasKeys() {
		return credentialsErr(errors.New("none configured"))
	}
	return nil
}
