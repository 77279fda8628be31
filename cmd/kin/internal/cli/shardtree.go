package cli

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// shard is one shard with its family, as the tree and the JSON form show it.
type shard struct {
	ID        string   `json:"id"`
	Open      bool     `json:"open"`
	Parents   []string `json:"parents,omitempty"`
	Children  []string `json:"children,omitempty"`
	HashStart string   `json:"hash_start"`
	HashEnd   string   `json:"hash_end"`
	SeqStart  string   `json:"sequence_start,omitempty"`
	SeqEnd    string   `json:"sequence_end,omitempty"`
}

// shardsOf turns the service's list into shards that know their children. A
// parent that the service no longer lists stays named in Parents.
func shardsOf(listed []types.Shard) []shard {
	shards := make([]shard, len(listed))
	index := make(map[string]int, len(listed))
	for i, l := range listed {
		s := shard{ID: aws.ToString(l.ShardId), Open: isOpen(l)}
		for _, parent := range []*string{l.ParentShardId, l.AdjacentParentShardId} {
			if parent != nil {
				s.Parents = append(s.Parents, *parent)
			}
		}
		if r := l.HashKeyRange; r != nil {
			s.HashStart, s.HashEnd = aws.ToString(r.StartingHashKey), aws.ToString(r.EndingHashKey)
		}
		if r := l.SequenceNumberRange; r != nil {
			s.SeqStart, s.SeqEnd = aws.ToString(r.StartingSequenceNumber), aws.ToString(r.EndingSequenceNumber)
		}
		shards[i] = s
		index[s.ID] = i
	}
	for _, s := range shards {
		for _, parent := range s.Parents {
			if i, ok := index[parent]; ok {
				shards[i].Children = append(shards[i].Children, s.ID)
			}
		}
	}
	return shards
}

// shardTree draws the shards, children under their first listed parent, each
// shard once:
//
//	shardId-000000000000  closed  00000000..7fffffff   50.0 %
//	├─ shardId-000000000002  open    00000000..3fffffff   25.0 %
//	└─ shardId-000000000003  open    40000000..7fffffff   25.0 %
func shardTree(shards []shard, style style) []string {
	t := treeDrawer{byID: make(map[string]shard, len(shards)), style: style}
	for _, s := range shards {
		t.byID[s.ID] = s
	}
	var roots []shard
	for _, s := range shards {
		if t.drawnUnder(s) == "" {
			roots = append(roots, s)
		}
	}
	slices.SortStableFunc(roots, byHashStart)
	// The labels are drawn first, so that the columns behind them can be aligned.
	for _, s := range roots {
		t.draw(s, "", "")
	}
	width := 0
	for _, r := range t.rows {
		width = max(width, len([]rune(r.label)))
	}
	lines := make([]string, len(t.rows))
	for i, r := range t.rows {
		lines[i] = fmt.Sprintf("%-*s  %s", width, r.label, t.details(r.shard))
	}
	return lines
}

type treeDrawer struct {
	byID  map[string]shard
	style style
	rows  []treeRow
}

type treeRow struct {
	label string
	shard shard
}

// drawnUnder is the parent under which s hangs, "" for a root.
func (t *treeDrawer) drawnUnder(s shard) string {
	for _, parent := range s.Parents {
		if _, listed := t.byID[parent]; listed {
			return parent
		}
	}
	return ""
}

// draw adds the row of s with first before its name, and those of its children
// with rest before theirs.
func (t *treeDrawer) draw(s shard, first, rest string) {
	t.rows = append(t.rows, treeRow{label: first + s.ID, shard: s})
	var children []shard
	for _, id := range s.Children {
		if child, listed := t.byID[id]; listed && t.drawnUnder(child) == s.ID {
			children = append(children, child)
		}
	}
	slices.SortStableFunc(children, byHashStart)
	for i, child := range children {
		if i < len(children)-1 {
			t.draw(child, rest+"├─ ", rest+"│  ")
		} else {
			t.draw(child, rest+"└─ ", rest+"   ")
		}
	}
}

func (t *treeDrawer) details(s shard) string {
	state := t.style.faint("closed")
	if s.Open {
		state = t.style.good("open  ")
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s  %s..%s  %6s", state, hashText(s.HashStart), hashText(s.HashEnd), shareText(s))
	for _, parent := range s.Parents {
		if parent != t.drawnUnder(s) {
			text.WriteString(t.style.faint("  + " + parent))
		}
	}
	return text.String()
}

func byHashStart(a, b shard) int {
	x, y := hashKey(a.HashStart), hashKey(b.HashStart)
	return x.Cmp(y)
}

func hashKey(decimal string) *big.Int {
	n, ok := new(big.Int).SetString(decimal, 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// hashText is the top 32 of the 128 bits of a hash key in hexadecimal: enough to
// see how shards lie side by side.
func hashText(decimal string) string {
	return fmt.Sprintf("%08x", new(big.Int).Rsh(hashKey(decimal), 96))
}

// shareText is the part of all hash keys that a shard has, in per cent.
func shareText(s shard) string {
	width := new(big.Int).Sub(hashKey(s.HashEnd), hashKey(s.HashStart))
	width.Add(width, big.NewInt(1))
	all := new(big.Int).Lsh(big.NewInt(1), 128)
	share, _ := new(big.Rat).SetFrac(width, all).Float64()
	return fmt.Sprintf("%.1f %%", share*100)
}
