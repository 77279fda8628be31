// Command kin is the Amazon Kinesis Data Streams tool of the kin project: a local
// server, streams, put, tail, and a demo that proves what it read.
//
// Run it without arguments for help. The commands are in internal/cli.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/kinstream/kin/cmd/kin/internal/cli"
)

func main() {
	// net/http writes what it thinks of odd servers to the default logger. What
	// matters of that is in the errors.
	slog.SetDefault(slog.New(slog.DiscardHandler)) //nolint:forbidigo // the process's own logger is main's business
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for a clean end. From then on signals have their
	// default effect again, so that a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	// With somebody to notify, a pipe that nobody reads any more is an error of
	// the write, and not the end of the process: a command ends in order.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	code := cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
