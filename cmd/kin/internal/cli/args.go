package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exactly checks that the command got one argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fmt.Errorf("%s is missing", strings.Join(names[len(args):], " "))
		}
		if len(names) == 0 && len(args) > 0 {
			return fmt.Errorf("%q is too much: no arguments are needed", args[0])
		}
		if len(args) > len(names) {
			return fmt.Errorf("%q is too much: the arguments are %s", args[len(names)], strings.Join(names, " "))
		}
		return nil
	}
}
