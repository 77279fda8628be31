package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/kinstream/kin"
)

// explainer says what limits a producer now, from the figures of the last few seconds. It is for one
// goroutine at a time.
type explainer struct {
	producer   *kin.Producer
	aggregates bool   // as the flags say
	callers    string // what is said if nothing but what is put limits the throughput

	since kin.ProducerStats
	now   explanation
}

// explanation is an answer of an explainer, as -o json prints it.
type explanation struct {
	Limit  string        `json:"limit"`
	Text   string        `json:"text"`
	Shards []kin.ShardID `json:"shards,omitempty"` // the limited ones, if not all are
}

// explainEvery is the least that an explanation looks back.
const explainEvery = 2 * time.Second

// flagFor is the flag that helps against a limit.
var flagFor = map[kin.Limit]string{
	kin.LimitRecords:     "--aggregate shard",
	kin.LimitConnections: "--in-flight",
	kin.LimitOrder:       "--aggregate shard",
}

// line returns what limits the producer now, in a line; "" if it is too early to say.
func (e *explainer) line() string {
	stats := e.producer.Stats()
	if stats.Uptime-e.since.Uptime >= explainEvery {
		e.now = e.of(stats.Explain(e.since))
		e.since = stats
	}
	return e.now.line()
}

// overall returns what limited the producer since it was made.
func (e *explainer) overall() explanation {
	return e.of(e.producer.Stats().Explain(kin.ProducerStats{}))
}

func (e *explainer) of(x kin.Explanation) explanation {
	text := oneLine(x.Text)
	if x.Limit == kin.LimitCallers {
		text = e.callers
	}
	if flag := flagFor[x.Limit]; flag != "" && (x.Limit != kin.LimitOrder || !e.aggregates) {
		text += " Here: " + flag + "."
	}
	return explanation{Limit: x.Limit.String(), Text: text, Shards: x.Shards}
}

func (x explanation) line() string {
	if x.Limit == "" {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "limited by %s: %s", x.Limit, x.Text)
	const most = 8 // shards to name
	for i, id := range x.Shards {
		switch {
		case i == 0:
			text.WriteString(" " + string(id))
		case i < most:
			text.WriteString(", " + string(id))
		case i == most:
			fmt.Fprintf(&text, " and %s more", thousands(int64(len(x.Shards)-most)))
		}
	}
	return text.String()
}
