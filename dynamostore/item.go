package dynamostore

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is a row as the SDK has it.
type item = map[string]types.AttributeValue

func textValue(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func numberValue[N int | int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func flagValue(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

func listValue(texts []string) types.AttributeValue {
	values := make([]types.AttributeValue, len(texts))
	for i, text := range texts {
		values[i] = textValue(text)
	}
	return &types.AttributeValueMemberL{Value: values}
}

func timeValue(t time.Time, layout string) types.AttributeValue {
	return textValue(t.UTC().Format(layout))
}

// unless returns v, or nil if empty says that the attribute is to be absent.
func unless(empty bool, v types.AttributeValue) types.AttributeValue {
	if empty {
		return nil
	}
	return v
}

// decoder reads the attributes of an item and keeps the first error. Absent attributes
// are zero.
type decoder struct {
	item item
	err  error
}

func (d *decoder) fail(name, want string) {
	if d.err == nil {
		d.err = fmt.Errorf("row %s: attribute %s is not %s", keyOf(d.item), name, want)
	}
}

// present returns the attribute, unless it is absent or null.
func (d *decoder) present(name string) (types.AttributeValue, bool) {
	switch v := d.item[name].(type) {
	case nil, *types.AttributeValueMemberNULL:
		return nil, false
	default:
		return v, true
	}
}

func (d *decoder) text(name string) string {
	v, found := d.present(name)
	if !found {
		return ""
	}
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		d.fail(name, "a string")
		return ""
	}
	return s.Value
}

func (d *decoder) number(name string) int64 {
	v, found := d.present(name)
	if !found {
		return 0
	}
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		if number, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return number
		}
	}
	d.fail(name, "a whole number of 64 bits")
	return 0
}

func (d *decoder) flag(name string) bool {
	v, found := d.present(name)
	if !found {
		return false
	}
	b, ok := v.(*types.AttributeValueMemberBOOL)
	if !ok {
		d.fail(name, "true or false")
		return false
	}
	return b.Value
}

func (d *decoder) texts(name string) []string {
	v, found := d.present(name)
	if !found {
		return nil
	}
	l, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		d.fail(name, "a list of strings")
		return nil
	}
	texts := make([]string, len(l.Value))
	for i, v := range l.Value {
		s, ok := v.(*types.AttributeValueMemberS)
		if !ok {
			d.fail(name, "a list of strings")
			return nil
		}
		texts[i] = s.Value
	}
	if len(texts) == 0 {
		return nil
	}
	return texts
}

func (d *decoder) time(name string) time.Time {
	text := d.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		d.fail(name, "a time in RFC 3339")
		return time.Time{}
	}
	return t.UTC()
}

func (d *decoder) duration(name string) time.Duration {
	text := d.text(name)
	if text == "" {
		return 0
	}
	span, err := time.ParseDuration(text)
	if err != nil {
		d.fail(name, "a duration such as 10s")
		return 0
	}
	return span
}
