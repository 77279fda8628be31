package client_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/e2e/server"
)

// none stands for an explicit hash key that a record does not have, in what programs read and write.
const none = "-"

// userRecord is what a consumer reads, whoever wrote it.
type userRecord struct {
	shard        kin.ShardID
	seq          kin.SequenceNumber
	sub          int
	packed       bool
	key, hashKey string
	data         []byte
}

// readByKCL reads the whole stream with the SDK for Java and unpacks with KCL's code.
func (u *setup) readByKCL(t *testing.T) []userRecord {
	t.Helper()
	command := u.server.Java(t, "Kcl", u.server.URL, u.stream)
	return parseRecords(t, server.Output(t, t.TempDir(), nil, command[0], command[1:]...))
}

// readByPython reads the whole stream with boto3 and unpacks with the library for Python.
func (u *setup) readByPython(t *testing.T) []userRecord {
	t.Helper()
	command := u.server.Python(t, "aggregated.py", "read", u.server.URL, u.stream)
	return parseRecords(t, server.Output(t, t.TempDir(), nil, command[0], command[1:]...))
}

// readByReader reads the whole stream with kin's Reader.
func (u *setup) readByReader(t *testing.T, change func(*kin.ReaderConfig)) []userRecord {
	t.Helper()
	reader := u.reader(t, func(cfg *kin.ReaderConfig) {
		cfg.Until = kin.AtTip()
		if change != nil {
			change(cfg)
		}
	})
	var all []userRecord
	for r, err := range reader.Records(u.ctx) {
		if err != nil {
			t.Fatalf("after %d records: %v", len(all), err)
		}
		all = append(all, userRecord{r.ShardID, r.SequenceNumber, r.SubSequence, r.Aggregated, r.PartitionKey, r.ExplicitHashKey, r.Data})
	}
	return all
}

// parseRecords reads what the programs of other languages write.
func parseRecords(t *testing.T, output string) []userRecord {
	t.Helper()
	var all []userRecord
	for line := range strings.Lines(output) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), " ")
		if len(f) != 7 {
			t.Fatalf("%q has %d fields, want 7", line, len(f))
		}
		sub, err := strconv.Atoi(f[2])
		if err != nil {
			t.Fatal(err)
		}
		if f[5] == none {
			f[5] = ""
		}
		all = append(all, userRecord{
			shard: kin.ShardID(f[0]), seq: kin.SequenceNumber(f[1]), sub: sub, packed: f[3] == "true",
			key: string(decoded(t, f[4])), hashKey: f[5], data: decoded(t, f[6]),
		})
	}
	return all
}

func decoded(t *testing.T, field string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(field)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// line is a record as the programs of other languages read it.
func line(r kin.UserRecord) string {
	hashKey := r.ExplicitHashKey
	if hashKey == "" {
		hashKey = none
	}
	return fmt.Sprintf("%s %s %s\n", base64.StdEncoding.EncodeToString([]byte(r.PartitionKey)), hashKey,
		base64.StdEncoding.EncodeToString(r.Data))
}

// putByPython packs the records with the library for Python and puts them.
func (u *setup) putByPython(t *testing.T, records []kin.UserRecord) {
	t.Helper()
	var in strings.Builder
	for _, r := range records {
		in.WriteString(line(r))
	}
	command := u.server.Python(t, "aggregated.py", "put", u.server.URL, u.stream)
	cmd := exec.CommandContext(u.ctx, command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// kpl is a running KPL: a Java program and its daemon.
type kpl struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr bytes.Buffer
	puts   int
}

// startKPL starts a KPL that puts into the stream, and waits until it packs: before it knows the shards it does not. What it
// puts until then has the key "first".
func (u *setup) startKPL(t *testing.T) *kpl {
	t.Helper()
	dir := t.TempDir()
	command := u.server.Java(t, "Kpl", u.server.TLS(t), u.stream, dir)
	k := &kpl{cmd: exec.CommandContext(u.ctx, command[0], command[1:]...)}
	k.cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")
	k.cmd.Stderr = &k.stderr
	in, err1 := k.cmd.StdinPipe()
	out, err2 := k.cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := k.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.in, k.out = in, bufio.NewScanner(out)
	if !k.out.Scan() || k.out.Text() != "packs" {
		_ = k.cmd.Wait()
		t.Fatalf("the KPL does not start: it says %q\n%s", k.out.Text(), k.stderr.String())
	}
	return k
}

// put gives records to the KPL, which takes all that it is given.
func (k *kpl) put(t *testing.T, records []kin.UserRecord) {
	t.Helper()
	w := bufio.NewWriter(k.in)
	for _, r := range records {
		_, _ = w.WriteString(line(r))
	}
	if err := w.Flush(); err != nil {
		t.Errorf("the KPL takes no more: %v", err)
	}
	k.puts += len(records)
}

// kplResult is what the KPL says about a record. It does not say where in an aggregate it is.
type kplResult struct {
	place

	failed string // codes of attempts that failed
}

// close has the KPL send what it has, and returns what became of each record.
func (k *kpl) close(t *testing.T) []kplResult {
	t.Helper()
	_ = k.in.Close()
	var results []kplResult
	for k.out.Scan() {
		f := strings.Fields(k.out.Text())
		if len(f) != 3 {
			t.Fatalf("the KPL says %q, want 3 fields", k.out.Text())
		}
		results = append(results, kplResult{place{kin.ShardID(f[0]), kin.SequenceNumber(f[1])}, f[2]})
	}
	if err := k.cmd.Wait(); err != nil || len(results) != k.puts {
		t.Fatalf("the KPL answers for %d of %d records and ends with %v\n%s", len(results), k.puts, err, k.stderr.String())
	}
	return results
}
