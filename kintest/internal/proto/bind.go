package proto

import (
	"bytes"
	"reflect"
	"time"
)

// bind reads a body into the struct that in points to. The SDK's structs have the service's member names as field names.
func bind(r reader, in any) error {
	if err := bindStruct(r, reflect.ValueOf(in).Elem()); err != nil {
		return err
	}
	if r.rest() != 0 {
		return errMalformed()
	}
	return nil
}

func bindStruct(r reader, dst reflect.Value) error {
	n, err := r.object()
	if err != nil {
		return errUnlike(r, "structure", err)
	}
	for {
		key, more, err := r.member(&n)
		if err != nil {
			return errMalformed()
		}
		if !more {
			return nil
		}
		if r.null() {
			continue
		}
		field, known := dst.Type().FieldByName(string(key))
		if !known || !field.IsExported() || len(field.Index) != 1 {
			if r.skip() != nil {
				return errMalformed()
			}
			continue
		}
		if err := bindValue(r, dst.FieldByIndex(field.Index)); err != nil {
			return err
		}
	}
}

func bindValue(r reader, dst reflect.Value) error {
	switch dst.Kind() {
	case reflect.Pointer:
		value := reflect.New(dst.Type().Elem())
		dst.Set(value)
		return bindValue(r, value.Elem())
	case reflect.String:
		text, err := r.text()
		if err != nil {
			return errUnlike(r, "String", err)
		}
		dst.SetString(string(text))
	case reflect.Int32, reflect.Int64:
		return bindInt(r, dst)
	case reflect.Bool:
		b, err := r.boolean()
		if err != nil {
			return errUnlike(r, "Boolean", err)
		}
		dst.SetBool(b)
	case reflect.Struct:
		return bindStructOrTime(r, dst)
	case reflect.Slice:
		return bindListOrBlob(r, dst)
	case reflect.Map:
		return bindMap(r, dst)
	default: // no input has such a member
		if r.skip() != nil {
			return errMalformed()
		}
	}
	return nil
}

func bindInt(r reader, dst reflect.Value) error {
	want := "Integer"
	if dst.Kind() == reflect.Int64 {
		want = "Long"
	}
	v, err := r.integer()
	if err != nil {
		return errUnlike(r, want, err)
	}
	if dst.OverflowInt(v) {
		return &Error{Message: tokenNumber + " cannot be converted to " + want}
	}
	dst.SetInt(v)
	return nil
}

func bindStructOrTime(r reader, dst reflect.Value) error {
	at, ok := reflect.TypeAssert[*time.Time](dst.Addr())
	if !ok {
		return bindStruct(r, dst)
	}
	millis, err := r.millis()
	if err != nil {
		return errUnlike(r, "Timestamp", err)
	}
	*at = time.UnixMilli(millis).UTC()
	return nil
}

// maxElements bounds the lists of inputs. The service's longest one, of records, has 500 and is not read here.
const maxElements = 10_000

func bindListOrBlob(r reader, dst reflect.Value) error {
	if dst.Type().Elem().Kind() == reflect.Uint8 {
		data, err := r.blob()
		if err != nil {
			return errUnlike(r, "Blob", err)
		}
		dst.SetBytes(bytes.Clone(data))
		return nil
	}
	n, err := r.array()
	if err != nil {
		return errUnlike(r, "list", err)
	}
	list := reflect.MakeSlice(dst.Type(), 0, 0)
	for {
		more, err := r.element(&n)
		if err != nil {
			return errMalformed()
		}
		if !more {
			break
		}
		if list.Len() == maxElements {
			return &Error{Message: "A list of the request is too long"}
		}
		item := reflect.New(dst.Type().Elem()).Elem()
		if !r.null() {
			if err := bindValue(r, item); err != nil {
				return err
			}
		}
		list = reflect.Append(list, item)
	}
	dst.Set(list)
	return nil
}

func bindMap(r reader, dst reflect.Value) error {
	n, err := r.object()
	if err != nil {
		return errUnlike(r, "map", err)
	}
	m := reflect.MakeMap(dst.Type())
	for {
		key, more, err := r.member(&n)
		if err != nil {
			return errMalformed()
		}
		if !more {
			break
		}
		if m.Len() == maxElements {
			return &Error{Message: "A map of the request is too large"}
		}
		name := reflect.ValueOf(string(key)).Convert(dst.Type().Key()) // before key's bytes are read over
		item := reflect.New(dst.Type().Elem()).Elem()
		if !r.null() {
			if err := bindValue(r, item); err != nil {
				return err
			}
		}
		m.SetMapIndex(name, item)
	}
	dst.Set(m)
	return nil
}
