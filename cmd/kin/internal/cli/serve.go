package cli

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/kintest"
)

type serveOptions struct {
	listen     string
	tls        bool
	cert, key  string
	dir        string
	sync       bool
	limits     bool
	streams    []string
	stateDelay time.Duration
	maxBytes   int64
}

const defaultListen = "127.0.0.1:4567"

func (a *app) serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a local Kinesis server",
		Long: `Run a Kinesis server on this machine, for tests and for trying things out, until
Ctrl-C. Any AWS SDK can use it, over HTTP/1.1 and HTTP/2 on one port. It accepts any
credentials. Records are kept in memory, or in a directory with --data, from which
the next kin serve goes on, also after a crash.

With --tls and without --cert it makes a certificate for localhost and the address
it listens on, and writes it to a file for AWS_CA_BUNDLE.`,
		Example: `  kin serve --stream orders:4 --stream clicks:2
  kin serve --listen 0.0.0.0:4567 --data ./kinesis --limits`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", defaultListen, "`address` to listen on; port 0 takes a free one")
	f.BoolVar(&o.tls, "tls", false, "speak TLS")
	f.StringVar(&o.cert, "cert", "", "certificate, a PEM `file` (means --tls)")
	f.StringVar(&o.key, "key", "", "its private key, a PEM `file`")
	f.StringVar(&o.dir, "data", "", "keep streams and records in this `directory`")
	f.BoolVar(&o.sync, "sync", false, "with --data, wait for the disk at every change: it survives a power failure too, and is slow")
	f.BoolVar(&o.limits, "limits", false, "enforce the service's limits: 1 MiB/s and 1,000 records/s in per shard, and so on")
	f.StringArrayVar(&o.streams, "stream", nil, "create this stream at start if it does not exist: `name:shards`, or a name for one shard (repeatable)")
	f.DurationVar(&o.stateDelay, "state-delay", 500*time.Millisecond, "how long streams stay CREATING, UPDATING and DELETING")
	f.Int64Var(&o.maxBytes, "max-bytes", 0, "keep at most so many `bytes` of records, drop the oldest beyond; 0 = no bound")
	cmd.MarkFlagsRequiredTogether("cert", "key")
	return cmd
}

func (o serveOptions) check() error {
	switch {
	case o.sync && o.dir == "":
		return usageErr("--sync without --data: there is no disk to wait for", "give --data too")
	case o.maxBytes < 0:
		return usageErr(fmt.Sprintf("--max-bytes %d: must not be negative", o.maxBytes), "0 means no bound")
	case o.stateDelay < 0:
		return usageErr(fmt.Sprintf("--state-delay %v: must not be negative", o.stateDelay), "0 means no delay")
	}
	return nil
}

// serve runs the server until ctx ends.
func (a *app) serve(ctx context.Context, o serveOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	streams, err := parseStreams(o.streams)
	if err != nil {
		return err
	}
	a.target.region = a.serveRegion(ctx)
	listener, err := a.listen(ctx, o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	certificate, err := a.certificate(o, listener.Addr())
	if err != nil {
		return err
	}
	defer certificate.remove()
	server, err := a.newServer(o)
	if err != nil {
		return err
	}
	defer serveMemory.tune(server)()
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var serving sync.WaitGroup
	// Ends when the server is closed below, or when the listener fails.
	serving.Go(func() {
		if err := certificate.serve(server, listener); err != nil {
			fail(fmt.Errorf("serve: %w", err))
		}
	})
	err = createStreams(server, streams)
	if err == nil {
		err = a.announce(listener.Addr(), o, certificate)
	}
	if err == nil {
		<-running.Done()
		if ctx.Err() == nil {
			err = context.Cause(running)
		} else {
			a.sayf("kin serve: stopping")
		}
	}
	err = errors.Join(err, server.Close())
	serving.Wait()
	return err
}

func (a *app) newServer(o serveOptions) (*kintest.Server, error) {
	config := kintest.Config{
		Region: a.target.region, StateDelay: o.stateDelay, Dir: o.dir, Sync: o.sync, MaxBytes: o.maxBytes,
		Logger: a.logger(),
	}
	if o.limits {
		config.Limits = kintest.ServiceLimits()
	}
	server, err := kintest.NewServer(config)
	if err != nil {
		return nil, serveErr(o.dir, err)
	}
	return server, nil
}

// serveRegion is the region in which the streams of --stream are: the one that
// other commands use with the same settings, so that they find them.
func (a *app) serveRegion(ctx context.Context) string {
	if cfg, err := a.loadConfig(ctx, true); err == nil && cfg.Region != "" {
		return cfg.Region
	}
	if a.flags.region != "" {
		return a.flags.region
	}
	return defaultRegion
}

func (a *app) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if a.json() {
		return slog.New(slog.NewJSONHandler(a.io.Err, options))
	}
	return slog.New(slog.NewTextHandler(a.io.Err, options))
}

func (a *app) listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &failure{code: exitFailed, what: "something listens at " + address + " already", hint: "is it another kin serve? choose another --listen", err: err}
	case errors.Is(err, syscall.EACCES):
		return nil, &failure{code: exitDenied, what: "may not listen at " + address, hint: "choose a port above 1023", err: err}
	}
	return nil, usageErr(fmt.Sprintf("--listen %s: %s", address, oneLine(err.Error())), "use for example "+defaultListen)
}

// announce says where the server is and how to use it.
func (a *app) announce(addr net.Addr, o serveOptions, c *serverCertificate) error {
	scheme := "http://"
	if c.useTLS {
		scheme = "https://"
	}
	url := scheme + reachable(addr)
	if a.json() {
		return a.printJSON(struct {
			Endpoint string `json:"endpoint"`
			Region   string `json:"region"`
			CABundle string `json:"ca_bundle,omitempty"`
			Data     string `json:"data,omitempty"`
		}{url, a.target.region, c.file, o.dir})
	}
	fmt.Fprintf(a.io.Out, "kin serve: Kinesis at %s, stop with Ctrl-C\n\n", url)
	fmt.Fprintf(a.io.Out, "export AWS_ENDPOINT_URL_KINESIS=%s\n", url)
	if c.file != "" {
		fmt.Fprintf(a.io.Out, "export AWS_CA_BUNDLE=%s\n", c.file)
	}
	// The SDK for Python and version 1 of the AWS CLI do not look at AWS_REGION.
	_, err := fmt.Fprintf(a.io.Out, "export AWS_REGION=%s AWS_DEFAULT_REGION=%[1]s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n\n", a.target.region)
	return err
}

// reachable is the address that a client on this machine connects to: a server
// that listens on all addresses is not at 0.0.0.0.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
}

type streamSpec struct {
	name   string
	shards int
}

// parseStreams reads the values of --stream.
func parseStreams(texts []string) ([]streamSpec, error) {
	specs := make([]streamSpec, 0, len(texts))
	for _, text := range texts {
		name, number, found := strings.Cut(text, ":")
		spec := streamSpec{name: name, shards: 1}
		if found {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 {
				return nil, usageErr(fmt.Sprintf("--stream %s: %q is no number of shards", text, number), "use for example orders:4")
			}
			spec.shards = n
		}
		if name == "" {
			return nil, usageErr(fmt.Sprintf("--stream %q has no name", text), "use for example orders:4")
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// createStreams creates the streams that are not there from an earlier run.
func createStreams(server *kintest.Server, specs []streamSpec) error {
	for _, spec := range specs {
		if server.Shards(spec.name) != nil {
			continue
		}
		if err := server.CreateStream(spec.name, spec.shards); err != nil {
			text := oneLine(err.Error()) // kintest: create stream NAME: cause
			cause := text[strings.LastIndex(text, ": ")+2:]
			return usageErr(fmt.Sprintf("--stream %s: %s", spec.name, cause), "use for example orders:4")
		}
	}
	return nil
}

// serveErr explains why the server cannot be made.
func serveErr(dir string, err error) error {
	if dir == "" {
		return usageErr(oneLine(err.Error()), "")
	}
	cause := strings.TrimPrefix(oneLine(err.Error()), fmt.Sprintf("kintest: Config.Dir (%s): journal: ", dir))
	hint := "give a directory that no other server uses"
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		hint = "give a directory that can be made and written"
	}
	if strings.Contains(cause, "damaged") {
		hint = "put back a copy of it, or begin with another directory"
	}
	return &failure{code: exitUsage, what: "--data " + dir + ": " + cause, hint: hint, err: err}
}

// serverCertificate is how the server serves: plain, or with a certificate.
type serverCertificate struct {
	useTLS bool
	pair   tls.Certificate
	file   string // PEM file of a certificate made here, for clients
}

func (a *app) certificate(o serveOptions, addr net.Addr) (*serverCertificate, error) {
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return nil, usageErr("--cert, --key: "+oneLine(err.Error()), "give a certificate and its key as PEM files")
		}
		return &serverCertificate{useTLS: true, pair: pair}, nil
	}
	if !o.tls {
		return &serverCertificate{}, nil
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(addr.String()); err == nil {
		hosts = append(hosts, host)
	}
	pair, err := kintest.SelfSigned(hosts...)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kin-serve-")
	if err != nil {
		return nil, err
	}
	c := &serverCertificate{useTLS: true, pair: pair, file: filepath.Join(dir, "certificate.pem")}
	block := &pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}
	if err := os.WriteFile(c.file, pem.EncodeToMemory(block), 0o600); err != nil {
		c.remove()
		return nil, err
	}
	return c, nil
}

func (c *serverCertificate) serve(server *kintest.Server, l net.Listener) error {
	if c.useTLS {
		return server.ServeTLS(l, c.pair)
	}
	return server.Serve(l)
}

func (c *serverCertificate) remove() {
	if c.file != "" {
		os.RemoveAll(filepath.Dir(c.file))
	}
}
