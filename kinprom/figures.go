package kinprom

import (
	"math"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinstream/kin"
)

// figure is a metric whose value is in a T.
type figure[T any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*T) float64
}

// figures makes metrics of what package kin says about its readings.
func figures[T any](f family, prefix string, of []kin.Figure[T], labels ...string) []figure[T] {
	made := make([]figure[T], len(of))
	for i := range of {
		made[i] = figure[T]{f.desc(prefix+nameOf(of[i].Name, of[i].Unit, of[i].Counter), of[i].Help, labels...), prometheus.GaugeValue, of[i].Value}
		if of[i].Counter {
			made[i].kind = prometheus.CounterValue
		}
	}
	return made
}

// ownNames are of figures whose names would not be clear without their units, or their dots.
var ownNames = map[string]string{
	"buffer.usage":        "buffered_bytes",
	"buffer.limit":        "max_buffered_bytes",
	"inflight.limit":      "max_inflight_calls",
	"inflight.full.time":  "full_seconds_total",
	"shard.limit.bytes":   "shard_max_bytes_per_second",
	"shard.limit.records": "shard_max_records_per_second",
	"pace":                "pace_ratio",
}

// nameOf returns the name of a figure as Prometheus wants it: with its unit at the end, and _total if it only grows.
func nameOf(name, unit string, counter bool) string {
	if own := ownNames[name]; own != "" {
		return own
	}
	name = strings.ReplaceAll(name, ".", "_")
	if unit == "s" {
		name = strings.TrimSuffix(name, "_time") + "_seconds"
	}
	if counter {
		name += "_total"
	}
	return name
}

func describe[T any](figures []figure[T], descs chan<- *prometheus.Desc) {
	for i := range figures {
		descs <- figures[i].desc
	}
}

func tell[T any](figures []figure[T], of *T, metrics chan<- prometheus.Metric, labels ...string) {
	for i := range figures {
		f := &figures[i]
		if value := f.value(of); !math.IsNaN(value) {
			metrics <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
		}
	}
}
