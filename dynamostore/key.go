package dynamostore

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/lease"
)

// The attributes of the key.
const (
	attrPart = "part"
	attrRow  = "row"
)

const (
	groupsPart = "groups"  // has a row for each group
	versionRow = "version" // in the part of a group

	workerPrefix = "worker#"
	streamPrefix = "stream#"
	leasePrefix  = "lease#"
)

// key names a row of the table.
type key struct{ part, row string }

func (k key) String() string { return k.part + " " + k.row }

func (k key) item() item {
	return item{attrPart: textValue(k.part), attrRow: textValue(k.row)}
}

// The names of groups have no slash, so parts of a group differ from those of others and from
// groupsPart.
func groupPart(group string) string { return group + "/group" }
func leasePart(group string) string { return group + "/lease" }

func directoryKey(group string) key  { return key{groupsPart, group} }
func versionKey(group string) key    { return key{groupPart(group), versionRow} }
func workerKey(group, id string) key { return key{groupPart(group), workerPrefix + id} }
func streamKey(group, arn string) key {
	return key{leasePart(group), streamPrefix + arn}
}

func leaseKey(group string, k lease.Key) key {
	return key{leasePart(group), leasePrefix + k.Stream + "#" + escape.Replace(k.Shard)}
}

// Whatever the ARN of the stream is, the last # is the one before the shard.
var (
	escape   = strings.NewReplacer("%", "%25", "#", "%23")
	unescape = strings.NewReplacer("%25", "%", "%23", "#")
)

// leaseKeyOf is the inverse of leaseKey; row has no prefix any more.
func leaseKeyOf(row string) (lease.Key, bool) {
	cut := strings.LastIndexByte(row, '#')
	if cut < 0 {
		return lease.Key{}, false
	}
	return lease.Key{Stream: row[:cut], Shard: unescape.Replace(row[cut+1:])}, true
}

// keyOf returns the key of an item that was read.
func keyOf(i item) key {
	text := func(name string) string {
		if s, ok := i[name].(*types.AttributeValueMemberS); ok {
			return s.Value
		}
		return ""
	}
	return key{text(attrPart), text(attrRow)}
}
