package server

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// DynamoDBKind is a DynamoDB server that can be started. With all of them exactly one of many
// compare-and-sets at the same time succeeds, answers have the checksum without which the SDK
// warns, and units of capacity are counted by the rules of the service.
type DynamoDBKind struct {
	Name string

	start func(tb testing.TB) running
}

// DynamoDBKinds returns all DynamoDB servers.
func DynamoDBKinds() []DynamoDBKind { return []DynamoDBKind{Dynalite(), Dynoxide()} }

// Dynalite is dynalite 4.0.0: without transactions, and without the row in the error of a
// condition that failed.
func Dynalite() DynamoDBKind {
	return DynamoDBKind{
		Name: "dynalite",
		start: func(tb testing.TB) running {
			tb.Helper()
			script := installed(tb, "dynalite", "npm", "node_modules", "dynalite", "cli.js")
			delay := stateDelay()
			return process{
				name:    "dynalite",
				command: node(tb),
				args: func(port string) []string {
					return survivingAborts(
						script, "--host", "127.0.0.1", "--port", port,
						"--createTableMs", delay, "--deleteTableMs", delay, "--updateTableMs", delay,
					)
				},
			}.run(tb)
		},
	}
}

// Dynoxide is dynoxide 3.2.0: native, on SQLite in memory.
func Dynoxide() DynamoDBKind {
	return DynamoDBKind{
		Name: "dynoxide",
		start: func(tb testing.TB) running {
			tb.Helper()
			return process{
				name:    "dynoxide",
				command: installed(tb, "dynoxide", "cargo", "bin", executable("dynoxide")),
				args: func(port string) []string {
					return []string{"--host", "127.0.0.1", "--port", port, "--log", "quiet"}
				},
			}.run(tb)
		},
	}
}

// DynamoDB is a running DynamoDB server.
type DynamoDB struct {
	DynamoDBKind

	URL string
	PID int
}

// Start starts a server of this kind on a free port and stops it when tb ends.
func (k DynamoDBKind) Start(tb testing.TB) *DynamoDB {
	tb.Helper()
	r := k.start(tb)
	return &DynamoDB{DynamoDBKind: k, URL: r.url, PID: r.pid}
}

// Client returns an SDK client of the server with the SDK's own retries, as users have it.
func (d *DynamoDB) Client(options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       Region,
		BaseEndpoint: aws.String(d.URL),
		Credentials:  Credentials(),
		HTTPClient:   &http.Client{Transport: hideWriteTo{&http.Transport{MaxIdleConnsPerHost: 64}}},
	}, options...)
}
