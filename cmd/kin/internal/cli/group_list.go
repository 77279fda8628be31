package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kinstream/kin/internal/operator"
)

func (a *app) groupListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the groups of the store",
		Args:    exactly(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.groupList(cmd) },
	}
}

// listedGroup is the JSON form of a group in a list. Workers are rows: whether they live takes
// a moment to see, which kin group describe does.
type listedGroup struct {
	Group    string   `json:"group"`
	Streams  []string `json:"streams"`
	Workers  int      `json:"workers"`
	Unable   int      `json:"unable,omitempty"` // of the workers: that can't read from Kinesis for now
	Shards   int      `json:"shards"`
	Owned    int      `json:"owned"`
	Finished int      `json:"finished"`
}

func (a *app) groupList(cmd *cobra.Command) error {
	ctx := cmd.Context()
	return a.withStore(ctx, func(store *openedStore) error {
		names, err := store.Groups(ctx)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, name := range names {
			g, err := operator.Describe(ctx, store, name, 0)
			if err != nil {
				return err
			}
			listed := listGroup(g)
			if a.json() {
				if err := a.printJSON(listed); err != nil {
					return err
				}
				continue
			}
			workers := strconv.Itoa(listed.Workers)
			if listed.Unable > 0 {
				workers += fmt.Sprintf(" (%d can't read)", listed.Unable)
			}
			rows = append(rows, []string{
				name, strings.Join(listed.Streams, ","), workers,
				strconv.Itoa(listed.Shards), strconv.Itoa(listed.Owned), strconv.Itoa(listed.Finished),
			})
		}
		if a.json() {
			return nil
		}
		if len(rows) == 0 {
			a.sayf("no groups in %v", store.address)
			return nil
		}
		return a.printTable([]string{"GROUP", "STREAMS", "WORKERS", "SHARDS", "OWNED", "FINISHED"}, rows)
	})
}

func listGroup(g operator.Group) listedGroup {
	listed := listedGroup{Group: g.Name, Streams: []string{}, Workers: len(g.Workers), Shards: len(g.Leases)}
	for _, w := range g.Workers {
		if w.Unable() {
			listed.Unable++
		}
	}
	for _, s := range g.Streams {
		listed.Streams = append(listed.Streams, operator.StreamName(s.ARN))
	}
	for _, l := range g.Leases {
		switch l.State {
		case operator.Reading:
			listed.Owned++
		case operator.Finished:
			listed.Finished++
		case operator.Waiting, operator.Unread, operator.Orphaned:
		}
	}
	return listed
}
