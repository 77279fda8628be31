package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/lease"
)

// IO is what a command reads from and writes to.
type IO struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// Run runs the command line args and returns the exit code of the process. It
// prints everything that there is to say, errors included. Cancelling ctx ends
// the command early and cleanly.
func Run(ctx context.Context, args []string, stdio IO) int {
	return (&app{io: stdio}).run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	a.io.Out = tellPipe(a.io.Out)
	stdio := a.io
	root := a.root()                          //nolint:contextcheck // commands get ctx from cobra
	root.SetArgs(append([]string{}, args...)) // never nil, for which cobra takes those of the process
	root.SetIn(stdio.In)
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return int(exitOK)
	}
	line, code := a.explain(ctx, err)
	if line != "" {
		fmt.Fprintf(stdio.Err, "%s: %s\n", cmd.CommandPath(), line)
	}
	return int(code)
}

// app is what the commands of one run share: the streams, the global flags and,
// once a client exists, where it sends its requests.
type app struct {
	io     IO
	flags  globalFlags
	target target

	arnRegion  string      // the region in the ARN of a stream, if nothing else names one
	store      string      // --store
	fixedStore lease.Store // what tests put in the place of a store that flags name
}

type globalFlags struct {
	endpoint string
	region   string
	profile  string
	output   string
	timeout  time.Duration
}

const rootLong = `kin puts records into Amazon Kinesis data streams and reads them, alone or as one worker
of a group, manages streams and groups, and is a Kinesis server of its own for tests and
for trying things out.

Every command works against AWS and against any other endpoint. It takes region,
credentials and endpoint from where all AWS tools take them: AWS_REGION,
AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL_KINESIS and the other variables,
and the profiles in ~/.aws. With an endpoint on this machine (127.0.0.1, ::1,
localhost) and no credentials configured, it signs with dummy ones, and the region
is us-east-1 unless one is given.`

const rootExample = `  kin demo                                     see it work, no AWS account needed
  kin serve                                    a local Kinesis on 127.0.0.1:4567
  kin stream create orders --shards 4 --endpoint http://127.0.0.1:4567
  seq 1000 | kin put orders --endpoint http://127.0.0.1:4567
  kin tail orders --from trim-horizon --until tip --endpoint http://127.0.0.1:4567`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "kin",
		Short:             "Amazon Kinesis Data Streams: put, tail, streams, and a local server",
		Long:              rootLong,
		Example:           rootExample,
		Args:              cobra.NoArgs,
		Version:           buildVersion().String(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.checkGlobals(cmd) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageErr(err.Error(), "see "+cmd.CommandPath()+" --help")
	})
	f := root.PersistentFlags()
	f.StringVar(&a.flags.endpoint, "endpoint", "", "send requests to this `URL` instead of AWS (or AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL)")
	f.StringVar(&a.flags.region, "region", "", "AWS `region` (or AWS_REGION, or the profile's)")
	f.StringVar(&a.flags.profile, "profile", "", "`name` of the profile in ~/.aws (or AWS_PROFILE)")
	f.StringVarP(&a.flags.output, "output", "o", outputText, "`form` of the output: text, or json for one object per line")
	f.DurationVar(&a.flags.timeout, "timeout", 10*time.Second, "how long to wait for the answer to one request")
	registerValues(root, "output", outputText, outputJSON)
	root.AddCommand(
		a.serveCommand(), a.streamCommand(), a.putCommand(), a.tailCommand(), a.loadCommand(), a.benchCommand(), a.demoCommand(),
		a.consumeCommand(), a.groupCommand(), a.versionCommand(), exitCodesTopic(),
	)
	// Errors of arguments are made by cobra as plain text: give them the exit
	// code of wrong use, for each command that there is.
	wrapArgs(root)
	return root
}

// checkGlobals refuses values of global flags before a command does anything.
func (a *app) checkGlobals(cmd *cobra.Command) error {
	if err := cmd.ValidateFlagGroups(); err != nil {
		return usageErr(err.Error(), "see "+cmd.CommandPath()+" --help")
	}
	if a.flags.output != outputText && a.flags.output != outputJSON {
		return usageErr(fmt.Sprintf("-o %q: no such form", a.flags.output), "use text or json")
	}
	if a.flags.timeout <= 0 {
		return usageErr(fmt.Sprintf("--timeout %v: must be more than 0", a.flags.timeout), "use for example 10s")
	}
	return nil
}

func wrapArgs(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(c *cobra.Command, args []string) error {
		err := check(c, args)
		if err == nil {
			return nil
		}
		// cobra's text may go on with suggestions on further lines.
		text := strings.Join(strings.Fields(err.Error()), " ")
		return usageErr(text, "see "+c.CommandPath()+" --help")
	}
}

// registerValues offers values to the shell's completion of a flag.
func registerValues(cmd *cobra.Command, flag string, values ...string) {
	complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	}
	// The only error is an unknown flag name, which would be a slip in this package.
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic("kin: BUG: " + err.Error())
	}
}
