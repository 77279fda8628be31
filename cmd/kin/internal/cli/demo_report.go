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
	Put              int64   `json:"put"`
	Read             int64   `json:"read"`
	Lost             int64   `json:"lost"`
	Doubled          int64   `json:"doubled"`
	Reordered        int64   `json:"reordered"`
	Altered          int64   `json:"altered"`
	Foreign          int64   `json:"foreign"`
	Failed           int64   `json:"failed"`
	Clean            bool    `json:"clean"`
	Interrupted      bool    `json:"interrupted,omitempty"` // lost may just not have been read yet
	Bytes            int64   `json:"bytes"`
	Passes           int64   `json:"passes"`
	Keys             int     `json:"keys"`
	OpenShards       []int   `json:"open_shards"`
	Seconds          float64 `json:"seconds"`
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
		Put: t.put, Read: t.read, Lost: t.lost, Doubled: t.doubled, Reordered: t.reordered,
		Altered: t.altered, Foreign: t.foreign, Failed: t.failed, Clean: t.clean(),
		Bytes: d.ledger.putBytes.Load(), Passes: d.passes.Load(), Keys: d.options.keys, OpenShards: d.path,
		Seconds: total.Seconds(), Input: d.input.name,
	}
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
	r.Interrupted = ctx.Err() != nil || isInputError(err)
	r.Clean = r.Clean && !r.Interrupted // not all that was to be put was
	if a.json() {
		if printErr := a.printJSON(r); printErr != nil {
			return printErr
		}
	} else {
		fmt.Fprint(a.io.Out, accountText(r, a.outStyle()))
	}
	switch {
	case ctx.Err() != nil:
		return &failure{code: exitInterrupted, what: "stopped by a signal: the account is of what was done by then"}
	case err != nil:
		return err
	case !r.Clean:
		what := fmt.Sprintf("the account is not clean: %d put, %d read, %d lost, %d doubled, %d out of order, %d altered, %d foreign, %d not stored",
			r.Put, r.Read, r.Lost, r.Doubled, r.Reordered, r.Altered, r.Foreign, r.Failed)
		if first := d.ledger.firstErr.Load(); first != nil {
			what += ": " + oneLine((*first).Error())
		}
		return &failure{code: exitIncomplete, what: what}
	}
	return nil
}

// isInputError says that the demo was not carried to its end because of what it
// was to put, which is no fault of the client or the server.
func isInputError(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.code == exitUsage
}

func accountText(r demoResult, st style) string {
	var b strings.Builder
	path := strings.Trim(strings.ReplaceAll(fmt.Sprint(r.OpenShards), " ", " -> "), "[]")
	fmt.Fprintf(&b, "\n%s over %s shards, %s\n\n", st.bold("the account of every record"), path, count(r.Keys, "partition key"))
	row := func(name string, n int64, rate string, bad bool) {
		number := fmt.Sprintf("%13s", thousands(n))
		switch {
		case bad && n > 0:
			number = st.bad(number)
		case bad:
			number = st.good(number)
		}
		fmt.Fprintf(&b, "%-14s%s%s\n", name, number, rate)
	}
	row("put", r.Put, fmt.Sprintf("   %9s records/s  %6.1f MB/s", thousands(int64(r.PutPerSecond)), r.PutMBPerSecond), false)
	row("read", r.Read, fmt.Sprintf("   %9s records/s  %6.1f MB/s", thousands(int64(r.ReadPerSecond)), r.ReadMBPerSecond), false)
	if r.Interrupted {
		row("not read yet", r.Lost, "", false)
	} else {
		row("lost", r.Lost, "", true)
	}
	row("doubled", r.Doubled, "", true)
	row("out of order", r.Reordered, "", true)
	if r.Failed > 0 {
		row("not stored", r.Failed, "", true)
	}
	if r.Altered+r.Foreign > 0 {
		row("altered", r.Altered, "", true)
		row("foreign", r.Foreign, "", true)
	}
	verdict := st.good("clean") + ": every record read once, in order, byte for byte as it was put"
	switch {
	case r.Interrupted:
		verdict = st.warn("stopped early")
	case !r.Clean:
		verdict = st.bad("not clean")
	}
	fmt.Fprintf(&b, "\n%s (%.1f s)\n", verdict, r.Seconds)
	return b.String()
}
