package cli

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/kinstream/kin"
)

// putMeter measures puts, whoever makes them. Its methods may be called from several goroutines.
type putMeter struct {
	failureTally
	delays

	start   time.Time
	cpu     time.Duration           // that was used before
	fatal   context.CancelCauseFunc // ends the puts; set before the first
	made    atomic.Int64            // records that were accepted, or refused at once
	stored  atomic.Int64
	bytes   atomic.Int64 // of data stored
	calls   atomic.Int64
	entries atomic.Int64 // Kinesis records that calls carried
	refused atomic.Int64 // of those, because of a throughput limit

	window atomic.Pointer[putWindow]
}

// putWindow is the time in which records were put, without that in which the last ones were waited for.
type putWindow struct {
	took          time.Duration
	stored, bytes int64
}

// answered takes the answer to a record that was made at a time.
func (m *putMeter) answered(n int64, size int, made time.Time, err error) {
	if err == nil {
		m.add(time.Since(made))
		m.stored.Add(1)
		m.bytes.Add(int64(size))
		return
	}
	m.failed(int(n), kindOf(err), reason(err))
	if !concernsOneRecord(err) {
		m.fatal(err)
	}
}

// called is a hook of the producer.
func (m *putMeter) called(info kin.PutCallInfo) {
	m.calls.Add(1)
	m.entries.Add(int64(info.Entries))
	for i := range info.Shards {
		m.refused.Add(int64(info.Shards[i].Throttled))
	}
}

// begin notes that records are put from now on.
func (m *putMeter) begin() { m.start, m.cpu = time.Now(), processCPU() }

// end notes that no more records are put.
func (m *putMeter) end() {
	m.window.Store(&putWindow{took: time.Since(m.start), stored: m.stored.Load(), bytes: m.bytes.Load()})
}

// putFigures is what a putMeter has measured.
type putFigures struct {
	Run       string  `json:"run"`     // what the records say
	Records   int64   `json:"records"` // made, and numbered from 1
	Stored    int64   `json:"stored"`
	Failed    int64   `json:"failed"`
	Bytes     int64   `json:"bytes"`              // of data stored
	Seconds   float64 `json:"seconds"`            // until the last answer
	PerSecond float64 `json:"records_per_second"` // while records were put
	BytesPerS float64 `json:"bytes_per_second"`

	Delay delaySummary `json:"delay_ms"` // from the making of a record to its answer

	Calls     int64   `json:"calls"`
	Entries   int64   `json:"kinesis_records"` // that calls carried
	Throttled int64   `json:"throttled"`       // of those
	Share     float64 `json:"throttled_share"`

	CPU float64 `json:"cpu_us_per_record,omitempty"` // of this process

	Explanation *explanation              `json:"explanation,omitempty"`
	Errors      map[string]recordFailures `json:"errors,omitempty"`

	byKind map[string]putFailures // the same as Errors
}

// recordFailures are putFailures of records that have numbers and no lines.
type recordFailures struct {
	Count  int    `json:"count"`
	First  int    `json:"first_record"`
	Reason string `json:"reason"`
}

func (m *putMeter) figures(run string) putFigures {
	byKind, failed := m.byKind()
	took := time.Since(m.start)
	f := putFigures{
		Run: run, Records: m.made.Load(), Stored: m.stored.Load(), Failed: int64(failed), Bytes: m.bytes.Load(), Seconds: took.Seconds(),
		Delay: m.summary(), Calls: m.calls.Load(), Entries: m.entries.Load(), Throttled: m.refused.Load(), byKind: byKind,
	}
	for kind, failures := range byKind {
		if f.Errors == nil {
			f.Errors = make(map[string]recordFailures)
		}
		f.Errors[kind] = recordFailures(failures)
	}
	w := m.window.Load()
	if w == nil || w.stored < f.Stored/2 {
		// A short run: most of it is in the last answers.
		w = &putWindow{took: took, stored: f.Stored, bytes: f.Bytes}
	}
	if seconds := w.took.Seconds(); seconds > 0 {
		f.PerSecond, f.BytesPerS = float64(w.stored)/seconds, float64(w.bytes)/seconds
	}
	if f.Stored > 0 {
		f.CPU = float64((processCPU() - m.cpu).Nanoseconds()) / 1000 / float64(f.Stored)
	}
	if f.Entries > 0 {
		f.Share = float64(f.Throttled) / float64(f.Entries)
	}
	return f
}
