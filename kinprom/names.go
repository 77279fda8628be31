package kinprom

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Labels that all kinds of collectors use in the same sense.
const (
	labelStream = "stream"
	labelShard  = "shard"
)

// family makes the metrics of one kind of collector: their names have the same beginning, and they
// share labels with values that do not change.
type family struct {
	prefix string // as in kin_consumer_records_total, with the last underscore
	labels prometheus.Labels
}

func (f family) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: f.prefix + name, Help: help, ConstLabels: f.labels}, labels)
}

// seconds is a histogram of durations, from a millisecond to a minute and a half.
func (f family) seconds(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: f.prefix + name, Help: help, ConstLabels: f.labels, Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 13),
	}, labels)
}

// desc describes a metric whose value is asked for at each scrape.
func (f family) desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(f.prefix+name, help, labels, f.labels)
}

// labelValue is a phrase as the value of a label.
func labelValue(phrase string) string { return strings.ReplaceAll(phrase, " ", "_") }
