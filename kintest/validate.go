package kintest

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// validate checks the input of a cold operation against the service's model.
func validate(op string, in any) error {
	v := validation{model: theModel()}
	v.structure("", reflect.ValueOf(in).Elem(), v.model.operations[op])
	return v.err()
}

// validation collects what is wrong with an input.
type validation struct {
	model  *model
	errors []string
}

// err returns what was collected as the service says it.
func (v *validation) err() error {
	switch n := len(v.errors); n {
	case 0:
		return nil
	case 1:
		return fail(codeValidation, "1 validation error detected: %s", v.errors[0])
	default:
		return fail(codeValidation, "%d validation errors detected: %s", n, strings.Join(v.errors, "; "))
	}
}

// maxErrors is how many errors the service reports at once.
const maxErrors = 10

// report notes one error. The value is nil for null.
func (v *validation) report(path string, value *string, constraint string) {
	if len(v.errors) >= maxErrors {
		return
	}
	text := "null"
	if value != nil {
		text = "'" + *value + "'"
	}
	v.errors = append(v.errors, "Value "+text+" at '"+path+"' failed to satisfy constraint: "+constraint)
}

func (v *validation) structure(path string, s reflect.Value, members []member) {
	for _, m := range members {
		at := path + lowerFirst(m.name)
		field := s.FieldByName(m.name)
		if !field.IsValid() {
			panic("kintest: BUG: " + s.Type().Name() + " has no member " + m.name)
		}
		if isNull(field) {
			if m.required {
				v.report(at, nil, "Member must not be null")
			}
			continue
		}
		v.value(at, field, v.model.shapes[m.shape])
	}
}

// isNull says whether a member is absent.
func isNull(f reflect.Value) bool {
	switch f.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return f.IsNil()
	case reflect.String: // an enum
		return f.Len() == 0
	default:
		return false
	}
}

func (v *validation) value(path string, f reflect.Value, sh *shape) {
	if f.Kind() == reflect.Pointer {
		f = f.Elem()
	}
	switch f.Kind() { //nolint:exhaustive // inputs have no other kinds that the model bounds
	case reflect.Struct:
		if sh.fields != nil {
			v.structure(path+".", f, sh.fields)
		}
	case reflect.String:
		v.text(path, f.String(), sh)
	case reflect.Int32:
		v.number(path, f.Int(), sh)
	case reflect.Slice:
		v.list(path, f, sh)
	case reflect.Map:
		v.dict(path, f, sh)
	}
}

func (v *validation) text(path, text string, sh *shape) {
	v.length(path, text, utf8.RuneCountInString(text), sh)
	if sh.compiled != nil && !sh.compiled.MatchString(text) {
		v.report(path, &text, "Member must satisfy regular expression pattern: "+sh.pattern)
	}
	if sh.allowed != nil && !sh.allowed[text] {
		v.report(path, &text, "Member must satisfy enum value set: ["+sh.enum+"]")
	}
}

func (v *validation) number(path string, n int64, sh *shape) {
	if !sh.number {
		return
	}
	text := strconv.FormatInt(n, 10)
	if n < int64(sh.min) {
		v.report(path, &text, fmt.Sprintf("Member must have value greater than or equal to %d", sh.min))
	}
	if sh.max > 0 && n > int64(sh.max) {
		v.report(path, &text, fmt.Sprintf("Member must have value less than or equal to %d", sh.max))
	}
}

func (v *validation) length(path, value string, n int, sh *shape) {
	if n < sh.min {
		v.report(path, &value, fmt.Sprintf("Member must have length greater than or equal to %d", sh.min))
	}
	if sh.max > 0 && n > sh.max {
		v.report(path, &value, fmt.Sprintf("Member must have length less than or equal to %d", sh.max))
	}
}

func (v *validation) list(path string, f reflect.Value, sh *shape) {
	items := make([]string, f.Len())
	for i := range items {
		items[i] = f.Index(i).String()
	}
	value := "[" + strings.Join(items, ", ") + "]"
	v.length(path, value, len(items), sh)
	if problem := v.each(items, v.model.shapes[sh.element]); problem != "" {
		v.report(path, &value, "Member must satisfy constraint: ["+problem+"]")
	}
}

func (v *validation) dict(path string, f reflect.Value, sh *shape) {
	var keys, values, pairs []string
	for _, k := range f.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	for _, k := range keys {
		text := f.MapIndex(reflect.ValueOf(k)).String()
		values = append(values, text)
		pairs = append(pairs, k+"="+text)
	}
	value := "{" + strings.Join(pairs, ", ") + "}"
	v.length(path, value, len(keys), sh)
	if problem := v.each(keys, v.model.shapes[sh.element]); problem != "" {
		v.report(path, &value, "Map keys must satisfy constraint: ["+problem+"]")
	}
	if problem := v.each(values, v.model.shapes[sh.value]); problem != "" {
		v.report(path, &value, "Map value must satisfy constraint: ["+problem+"]")
	}
}

// each says what texts in a list or map have to be, if one is not.
func (v *validation) each(texts []string, sh *shape) string {
	for _, text := range texts {
		n := utf8.RuneCountInString(text)
		switch {
		case sh.allowed != nil && !sh.allowed[text]:
			return "Member must satisfy enum value set: [" + sh.enum + "]"
		case n < sh.min || (sh.max > 0 && n > sh.max):
			return fmt.Sprintf("Member must have length less than or equal to %d, Member must have length greater than or equal to %d", sh.max, sh.min)
		}
	}
	return ""
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
