package bench_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kinstream/kin/e2e/server"
)

// constantServerEnv makes the test binary serve constants on the address that it holds.
const constantServerEnv = "KIN_CONSTANT_SERVER"

func TestMain(m *testing.M) {
	if address := os.Getenv(constantServerEnv); address != "" {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(address, constants()))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// constant is the server that answers with constants, as a process of its own.
func constant() server.Kind {
	return server.Program("constant", func(tb testing.TB) string {
		tb.Helper()
		self, err := os.Executable()
		if err != nil {
			tb.Fatal(err)
		}
		return self
	}, func(port string) []string {
		return []string{constantServerEnv + "=127.0.0.1:" + port}
	})
}

// constants answers every operation that the benchmarks call with bytes made once.
func constants() http.Handler {
	const sequence = "49680428417184755266593961460473531076277791861587836930"
	var put, get bytes.Buffer
	put.WriteString(`{"FailedRecordCount":0,"Records":[`)
	for i := range batchRecords {
		if i > 0 {
			put.WriteByte(',')
		}
		fmt.Fprintf(&put, `{"SequenceNumber":"%s","ShardId":"shardId-000000000000"}`, sequence)
	}
	put.WriteString(`]}`)
	data := base64.StdEncoding.EncodeToString(make([]byte, recordBytes))
	get.WriteString(`{"MillisBehindLatest":0,"NextShardIterator":"AAAA","Records":[`)
	for i := range pageRecords {
		if i > 0 {
			get.WriteByte(',')
		}
		fmt.Fprintf(&get, `{"ApproximateArrivalTimestamp":1795262626.123,"Data":"%s","PartitionKey":"key-%d","SequenceNumber":"%s"}`, data, i, sequence)
	}
	get.WriteString(`]}`)
	answers := map[string][]byte{
		"PutRecords":       put.Bytes(),
		"PutRecord":        []byte(`{"SequenceNumber":"` + sequence + `","ShardId":"shardId-000000000000"}`),
		"GetRecords":       get.Bytes(),
		"GetShardIterator": []byte(`{"ShardIterator":"AAAA"}`),
		"DescribeStreamSummary": []byte(`{"StreamDescriptionSummary":{"StreamName":"s","StreamARN":"a","StreamStatus":"ACTIVE",` +
			`"RetentionPeriodHours":24,"StreamCreationTimestamp":1,"EnhancedMonitoring":[],"OpenShardCount":4}}`),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		answer := answers[operation]
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer)
	})
}
