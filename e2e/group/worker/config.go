package worker

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin"
)

// Config is what a worker is told. Durations are in nanoseconds.
type Config struct {
	Endpoint string   `json:"endpoint"` // of the Kinesis server
	Streams  []string `json:"streams"`
	Store    string   `json:"store"` // see [OpenStore]
	Group    string   `json:"group"`
	Name     string   `json:"name"`
	Log      string   `json:"log"`            // path of the log
	From     string   `json:"from,omitempty"` // text form of a kin.Position

	TTL             time.Duration `json:"ttl,omitempty"`
	CheckpointEvery time.Duration `json:"checkpointEvery,omitempty"`
	ListEvery       time.Duration `json:"listEvery,omitempty"`
	ShutdownTimeout time.Duration `json:"shutdownTimeout,omitempty"`
	Parallel        int           `json:"parallel,omitempty"`

	Handling       time.Duration `json:"handling,omitempty"`       // how long the handler takes for a batch
	CheckpointEach bool          `json:"checkpointEach,omitempty"` // the handler asks for a checkpoint after each batch
	FailEvery      int           `json:"failEvery,omitempty"`      // every so many calls of the handler fail
	Stubborn       bool          `json:"stubborn,omitempty"`       // the handler does not heed its context
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
		ShutdownTimeout: c.ShutdownTimeout, Parallel: c.Parallel,
	}, nil
}
