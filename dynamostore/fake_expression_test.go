package dynamostore_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expressions evaluates the expressions of one call.
type expressions struct {
	names  map[string]string
	values item
	used   map[string]bool
}

func (x *expressions) use(placeholder string) string {
	placeholder = strings.TrimSpace(placeholder)
	if x.used == nil {
		x.used = map[string]bool{}
	}
	x.used[placeholder] = true
	return placeholder
}

func (x *expressions) name(placeholder string) string { return x.names[x.use(placeholder)] }

func (x *expressions) value(placeholder string) types.AttributeValue {
	return x.values[x.use(placeholder)]
}

// check finds names and values that are missing or not used, which the service refuses.
func (x *expressions) check() error {
	given := map[string]bool{}
	for name := range x.names {
		given[name] = true
	}
	for value := range x.values {
		given[value] = true
	}
	if !maps.Equal(given, x.used) && len(given)+len(x.used) > 0 {
		return fmt.Errorf("ValidationException: given %v, used %v", given, x.used)
	}
	return nil
}

func (x *expressions) holds(condition *string, row item) bool {
	if condition == nil {
		return true
	}
	holds := false
	for term := range strings.SplitSeq(*condition, " OR ") {
		all := true
		for factor := range strings.SplitSeq(term, " AND ") {
			all = x.term(factor, row) && all
		}
		holds = all || holds
	}
	return holds
}

func (x *expressions) term(term string, row item) bool {
	if left, right, ok := strings.Cut(term, " = "); ok {
		attribute, found := row[x.name(left)]
		return equal(attribute, x.value(right)) && found
	}
	function, argument, _ := strings.Cut(strings.TrimSuffix(term, ")"), "(")
	_, found := row[x.name(argument)]
	switch function {
	case "attribute_exists":
		return found
	case "attribute_not_exists":
		return !found
	default:
		panic("the fake does not know the condition " + term)
	}
}

// equal compares texts with texts and numbers with numbers.
func equal(a, b types.AttributeValue) bool {
	if x, ok := a.(*types.AttributeValueMemberS); ok {
		y, ok := b.(*types.AttributeValueMemberS)
		return ok && x.Value == y.Value
	}
	x, ok := a.(*types.AttributeValueMemberN)
	y, okY := b.(*types.AttributeValueMemberN)
	return ok && okY && x.Value == y.Value
}

// update changes a row.
func (x *expressions) update(expression string, row item) {
	before := maps.Clone(row)
	set, remove, _ := strings.Cut(expression, "REMOVE ")
	set = strings.TrimSpace(strings.TrimPrefix(set, "SET "))
	for set != "" {
		var one string
		one, set = firstAssignment(set)
		left, right, _ := strings.Cut(one, " = ")
		row[x.name(left)] = x.operand(right, before)
	}
	for name := range strings.SplitSeq(remove, ", ") {
		if name != "" {
			delete(row, x.name(name))
		}
	}
}

// firstAssignment cuts at the first comma outside parentheses.
func firstAssignment(s string) (one, rest string) {
	depth := 0
	for i, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			return s[:i], strings.TrimSpace(s[i+1:])
		}
	}
	return s, ""
}

func (x *expressions) operand(s string, row item) types.AttributeValue {
	if a, b, ok := strings.Cut(s, " + "); ok {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(toInt(x.operand(a, row))+toInt(x.operand(b, row)), 10)}
	}
	if args, ok := strings.CutPrefix(s, "if_not_exists("); ok {
		name, other, _ := strings.Cut(strings.TrimSuffix(args, ")"), ", ")
		otherwise := x.value(other)
		if v, found := row[x.name(name)]; found {
			return v
		}
		return otherwise
	}
	v := x.value(s)
	if v == nil {
		panic("the fake does not know the operand " + s)
	}
	return v
}

func toInt(v types.AttributeValue) int64 {
	n, err := strconv.ParseInt(v.(*types.AttributeValueMemberN).Value, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// itemSize is the size of a row as the service counts it.
func itemSize(i item) int {
	size := 0
	for name, v := range i {
		size += len(name) + valueSize(v)
	}
	return size
}

func valueSize(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(strings.Trim(v.Value, "-0"))/2 + 2
	case *types.AttributeValueMemberL:
		size := 3
		for _, e := range v.Value {
			size += 1 + valueSize(e)
		}
		return size
	default:
		return 1
	}
}

func readUnits(size int) float64  { return float64(max(1, (size+4095)/4096)) }
func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// set changes an attribute of a row.
func set(i item, name string, v any) {
	switch v := v.(type) {
	case string:
		i[name] = &types.AttributeValueMemberS{Value: v}
	case int:
		i[name] = &types.AttributeValueMemberN{Value: strconv.Itoa(v)}
	case []string:
		l := &types.AttributeValueMemberL{}
		for _, s := range v {
			l.Value = append(l.Value, &types.AttributeValueMemberS{Value: s})
		}
		i[name] = l
	default:
		panic(fmt.Sprintf("no attribute of %T", v))
	}
}
