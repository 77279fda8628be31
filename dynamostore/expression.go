package dynamostore

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kinstream/kin/lease"
)

// The conditions of writes. Names of attributes are always given by placeholders, since many
// are reserved words: #owner for owner, and :owner for its new value.
const (
	ifAbsent   = "attribute_not_exists(#row)"
	ifPresent  = "attribute_exists(#row)"
	ifRevision = "#revision = :was"
	ifOwner    = ifRevision + " AND #owner = :had"
	ifNobodys  = ifRevision + " AND attribute_not_exists(#owner)"
	ifBeat     = "attribute_not_exists(#row) OR #beat = :was"
)

// update is an UpdateItem that is being put together.
type update struct {
	set, remove []string
	expression
}

// expression has a condition, and the names and values that it and the rest of a call use.
type expression struct {
	condition *string
	names     map[string]string
	values    item
}

// put sets an attribute, or removes it if the value is nil.
func (u *update) put(name string, value types.AttributeValue) {
	u.name(name)
	if value == nil {
		u.remove = append(u.remove, "#"+name)
		return
	}
	u.value(name, value)
	u.set = append(u.set, "#"+name+" = :"+name)
}

// keep sets an attribute that is absent.
func (u *update) keep(name string, value types.AttributeValue) {
	u.name(name)
	u.value(name, value)
	u.set = append(u.set, "#"+name+" = if_not_exists(#"+name+", :"+name+")")
}

// raise adds one to a counter, which begins at 0.
func (u *update) raise(name string) {
	u.name(name)
	u.value("one", numberValue(1))
	u.value("zero", numberValue(0))
	u.set = append(u.set, "#"+name+" = if_not_exists(#"+name+", :zero) + :one")
}

// text returns the update expression. An update does something.
func (u *update) text() *string {
	var clauses []string
	if len(u.set) > 0 {
		clauses = append(clauses, "SET "+strings.Join(u.set, ", "))
	}
	if len(u.remove) > 0 {
		clauses = append(clauses, "REMOVE "+strings.Join(u.remove, ", "))
	}
	return new(strings.Join(clauses, " "))
}

// when sets the condition. Its names are those that follow.
func (e *expression) when(condition string, names ...string) {
	e.condition = new(condition)
	for _, name := range names {
		e.name(name)
	}
}

// whenRevision sets the condition that the row has a revision, where 0 stands for no row.
func (e *expression) whenRevision(revision int64) {
	if revision == 0 {
		e.when(ifAbsent, attrRow)
		return
	}
	e.when(ifRevision, attrRevision)
	e.value("was", numberValue(revision))
}

// whenOwned sets the condition that a lease has the revision and the owner of l.
func (e *expression) whenOwned(l lease.Lease) {
	e.whenRevision(l.Revision)
	switch {
	case l.Revision == 0:
	case l.Owner == "":
		e.when(ifNobodys, attrRevision, attrOwner)
	default:
		e.when(ifOwner, attrRevision, attrOwner)
		e.value("had", textValue(l.Owner))
	}
}

func (e *expression) name(name string) {
	if e.names == nil {
		e.names = map[string]string{}
	}
	e.names["#"+name] = name
}

func (e *expression) value(name string, value types.AttributeValue) {
	if e.values == nil {
		e.values = item{}
	}
	e.values[":"+name] = value
}
