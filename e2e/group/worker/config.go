package worker

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin"
)

// Config is what a worker is told.
type Config struct {
	Endpoint string // of the Kinesis server
	Streams  []string
	Store    string // see [OpenStore]
	Group    string
	Name     string
	Log      string // path of the log
	From     string // text form of a kin.Position; empty for the default

	TTL             time.Duration
	CheckpointEvery time.Duration
	ListEvery       time.Duration
	ShutdownTimeout time.Duration
	MaxIdleWait     time.Duration
	MaxBatch        int
	MaxLeases       int
	Parallel        int

	Handling       time.Duration // how long the handler takes for a batch
	CheckpointEach bool          // the handler asks for a checkpoint after each batch
	FailEvery      int           // every so many calls of the handler fail; 0 for none
	Stubborn       bool          // the handler does not heed its context
}

// ParseConfig reads settings from JSON.
func ParseConfig(text string) (Config, error) {
	var cfg Config
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cfg); err != nil {
		return cfg, fmt.Errorf("settings of the worker: %w", err)
	}
	return cfg, nil
}

// consumer returns the settings of the Consumer.
func (c Config) consumer() (kin.ConsumerConfig, error) {
	var from kin.Position
	if c.From != "" {
		var err error
		if from, err = kin.ParsePosition(c.From); err != nil {
			return kin.ConsumerConfig{}, err
		}
	}
	return kin.ConsumerConfig{
		Group: c.Group, Streams: c.Streams, WorkerName: c.Name, From: from,
		LeaseTTL: c.TTL, CheckpointEvery: c.CheckpointEvery, ListEvery: c.ListEvery,
		ShutdownTimeout: c.ShutdownTimeout, MaxBatchRecords: c.MaxBatch, MaxLeases: c.MaxLeases,
		Parallel: c.Parallel, MaxIdleWait: c.MaxIdleWait,
	}, nil
}
