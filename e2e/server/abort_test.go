package server_test

import (
	"net"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/e2e/server"
)

func TestServersSurviveClientsThatGoAway(t *testing.T) {
	t.Parallel()
	for _, kind := range server.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := kind.Start(t)
			client := s.Client()
			for range 20 {
				goAwayInRequest(t, s.URL)
				if _, err := client.ListStreams(t.Context(), &kinesis.ListStreamsInput{}); err != nil {
					t.Fatalf("after a request that was never completed: %v", err)
				}
			}
		})
	}
	for _, kind := range server.DynamoDBKinds() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := kind.Start(t)
			client := s.Client()
			for range 20 {
				goAwayInRequest(t, s.URL)
				if _, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
					t.Fatalf("after a request that was never completed: %v", err)
				}
			}
		})
	}
}

// goAwayInRequest sends the beginning of a request and closes the connection, as a client
// does that gives a call up.
func goAwayInRequest(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("POST / HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Length: 100\r\n\r\n{")); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
