package kinotel

import (
	"errors"
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/kinstream/kin"
)

// scope is the name under which the instruments are.
const scope = "github.com/kinstream/kin/kinotel"

// kind is what becomes of the values of an instrument.
type kind int

const (
	gauge   kind = iota // true now
	counter             // only grows
)

const (
	unitSeconds = "s"
	unitRatio   = "1"
	unitBytes   = "By"
	unitRecords = "{record}"
	unitCalls   = "{call}"
	unitShards  = "{shard}"
)

// durations are the bounds of histograms, those that the semantic conventions advise, and some for outages.
var durations = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120}

// maker makes instruments, and remembers what went wrong.
type maker struct {
	meter metric.Meter
	made  []metric.Observable
	err   error
}

func (m *maker) add(o metric.Observable, err error) {
	m.made = append(m.made, o)
	m.err = errors.Join(m.err, err)
}

// observed is an instrument that is asked at each collection.
type observed struct {
	float metric.Float64Observable // of seconds and ratios
	whole metric.Int64Observable   // of what is counted
}

func (o observed) tell(to metric.Observer, value float64, with attribute.Set) {
	if o.float != nil {
		to.ObserveFloat64(o.float, value, metric.WithAttributeSet(with))
	} else {
		to.ObserveInt64(o.whole, int64(value), metric.WithAttributeSet(with))
	}
}

func (m *maker) observed(k kind, name, unit, help string) (o observed) {
	described, in := metric.WithDescription(help), metric.WithUnit(unit)
	switch float := unit == unitSeconds || unit == unitRatio; {
	case float && k == counter:
		i, err := m.meter.Float64ObservableCounter(name, described, in)
		o.float = i
		m.add(i, err)
	case float:
		i, err := m.meter.Float64ObservableGauge(name, described, in)
		o.float = i
		m.add(i, err)
	case k == counter:
		i, err := m.meter.Int64ObservableCounter(name, described, in)
		o.whole = i
		m.add(i, err)
	default:
		i, err := m.meter.Int64ObservableGauge(name, described, in)
		o.whole = i
		m.add(i, err)
	}
	return o
}

func (m *maker) counter(name, unit, help string) metric.Int64Counter {
	i, err := m.meter.Int64Counter(name, metric.WithDescription(help), metric.WithUnit(unit))
	m.err = errors.Join(m.err, err)
	return i
}

func (m *maker) durations(name, help string) metric.Float64Histogram {
	i, err := m.meter.Float64Histogram(name, metric.WithDescription(help), metric.WithUnit(unitSeconds),
		metric.WithExplicitBucketBoundaries(durations...))
	m.err = errors.Join(m.err, err)
	return i
}

// figure is an instrument whose value is in a T.
type figure[T any] struct {
	observed
	value func(*T) float64
}

// figures makes instruments of what package kin says about its readings.
func figures[T any](mk *maker, prefix string, of []kin.Figure[T]) []figure[T] {
	made := make([]figure[T], len(of))
	for i := range of {
		k := gauge
		if of[i].Counter {
			k = counter
		}
		made[i] = figure[T]{mk.observed(k, prefix+of[i].Name, of[i].Unit, of[i].Help), of[i].Value}
	}
	return made
}

func tell[T any](figures []figure[T], of *T, to metric.Observer, with attribute.Set) {
	for i := range figures {
		if value := figures[i].value(of); !math.IsNaN(value) {
			figures[i].tell(to, value, with)
		}
	}
}
