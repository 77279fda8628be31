// Package wire makes Kinesis clients of the AWS SDK several times faster.
package wire
