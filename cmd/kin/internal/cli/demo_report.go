package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// demoResult is the JSON form of a demo's account.
type demoResult struct {
	demoAccount

	Read             int64   `json:"read"`
	Bytes            int64   `json:"bytes"`
	Passes           int64   `json:"passes"`
	Keys             int     `json:"keys"`
	OpenShards       []int   `json:"open_shards"`
	PutPerSecond     float64 `json:"put_records_per_second"`
	PutMBPerSecond   float64 `json:"put_mb_per_second"`
	ReadPerSecond    float64 `json:"read_records_per_second"`
	ReadMBPerSecond  float64 `json:"read_mb_per_second"`
	RecordsPerSecond float64 `json:"records_per_second"`
	MBPerSecond      float64 `json:"mb_per_second"`
	Input            string  `json:"input"`
}

// result is the account. Rates count from the start of the demo, so those of
// reading include everything until the last record was read.
func (d *demo) result() demoResult {
	t := d.ledger.total()
	total := time.Since(d.start)
	putting, reading := total, total
	if p := d.feeding.Load(); p != nil {
		putting = *p
	}
	if r := d.reading.Load(); r != nil {
		reading = *r
	}
	r := demoResult{
		demoAccount: newDemoAccount(t), Read: t.read, Bytes: d.ledger.putBytes.Load(), Passes: d.passes.Load(),
		Keys: d.options.keys, OpenShards: d.path, Input: d.input.name,
	}
	r.Clean, r.Seconds = t.clean(), total.Seconds()
	r.PutPerSecond = float64(t.put) / putting.Seconds()
	r.PutMBPerSecond = float64(r.Bytes) / 1e6 / putting.Seconds()
	r.ReadPerSecond = float64(t.read) / reading.Seconds()
	r.ReadMBPerSecond = float64(d.ledger.readBytes.Load()) / 1e6 / reading.Seconds()
	// From the first put to the last reading.
	r.RecordsPerSecond, r.MBPerSecond = r.ReadPerSecond, r.ReadMBPerSecond
	return r
}

// demoReport prints the account and turns it into the error of the command.
func (a *app) demoReport(ctx context.Context, d *demo, err error) error {
	r := d.result()
	r.end(ctx, err)
	unclean := fmt.Sprintf("the account is not clean: %d put, %d read, %d lost, %d doubled, %d out of order, %d altered, %d foreign, %d not stored",
		r.Put, r.Read, r.Lost, r.Doubled, r.Reordered, r.Altered, r.Foreign, r.Failed)
	if first := d.ledger.firstErr.Load(); first != nil {
		unclean += ": " + oneLine((*first).Error())
	}
	return a.printAccount(ctx, r.demoAccount, r, r.text(a.outStyle()), unclean, err)
}

// isInputError says that the demo was not carried to its end because of what it
// was to put, which is no fault of the client or the server.
func isInputError(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.code == exitUsage
}

func (r demoResult) text(st style) string {
	t := accountText{style: st}
	path := strings.Trim(strings.ReplaceAll(fmt.Sprint(r.OpenShards), " ", " -> "), "[]")
	fmt.Fprintf(&t, "\n%s over %s shards, %s\n\n", st.bold("the account of every record"), path, count(r.Keys, "partition key"))
	t.row("put", thousands(r.Put), rateText(r.PutPerSecond, r.PutMBPerSecond), plain)
	t.row("read", thousands(r.Read), rateText(r.ReadPerSecond, r.ReadMBPerSecond), plain)
	t.faults(r.demoAccount, 0, "")
	t.verdict(r.demoAccount, "every record read once, in order, byte for byte as it was put")
	return t.String()
}

func rateText(records, megabytes float64) string {
	return fmt.Sprintf("   %9s records/s  %6.1f MB/s", thousands(int64(records)), megabytes)
}
