package kin

import (
	"time"

	"github.com/kinstream/kin/internal/outbox"
)

// RecordOverhead is what a record counts against MaxBufferedBytes besides its bytes.
const RecordOverhead = recordOverhead

// ProducerHeld returns the bytes that count against MaxBufferedBytes now.
func ProducerHeld(p *Producer) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.space.Gauges().Bytes
}

// BucketOf returns the bucket of a Histogram for a duration.
func BucketOf(d time.Duration) int { return outbox.BucketOf(d) }

// Flight is the stage of a PutRecords call.
type Flight struct{ f flight }

func (f *Flight) Depart() bool { return f.f.depart() }
func (f *Flight) CallOff()     { f.f.callOff() }
func (f *Flight) Claim() bool  { return f.f.claim() }
