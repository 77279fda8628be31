package cli

import "github.com/spf13/cobra"

// exitCode is the status that the process ends with. The numbers are part of the
// command's interface; exitCodesText documents them.
type exitCode int

const (
	exitOK          exitCode = 0
	exitFailed      exitCode = 1
	exitUsage       exitCode = 2
	exitUnreachable exitCode = 3
	exitDenied      exitCode = 4
	exitNotFound    exitCode = 5
	exitIncomplete  exitCode = 6
	exitBusy        exitCode = 7
	exitProgram     exitCode = 8
	exitInterrupted exitCode = 130
	exitNobodyReads exitCode = 141
)

const exitCodesText = `kin ends with one of these codes:

    0  done
    1  failed for a reason that no other code names
    2  wrong use: a flag, an argument, a position or a file that cannot be used
    3  the endpoint cannot be reached, does not answer in time, or is not Kinesis
    4  no credentials, wrong credentials, or not allowed
    5  the stream or the group, or something in it, does not exist
    6  incomplete: not every record was stored (kin put, load, bench put) or found
       (kin bench get --check), the account of the records is not clean (kin demo),
       what was in hand had to be cut off (kin consume), or a hand-over takes longer
       than was to be waited for (kin group move, drain)
    7  the group is in use: workers live, or keep changing what was to be changed
    8  the program of kin consume failed, or broke the protocol of its lines
  130  stopped by a signal (Ctrl-C) before the work was done
  141  whoever read the output, through a pipe, has gone

For kin serve and kin consume, for kin tail without --until, and for kin load with
--duration 0, a signal is the normal end and the code is 0.
`

// exitCodesTopic is the help page "kin help exit-codes". A command that cannot
// be run is what cobra lists as an additional help topic.
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "The exit codes of kin",
		Long:  exitCodesText,
	}
}
