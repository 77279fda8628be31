package wire

import (
	"math"
	"strconv"

	"github.com/kinstream/kin/internal/cbor"
	"github.com/kinstream/kin/internal/jsonscan"
)

// appendAsJSON reads one item and appends it as JSON. It serves errors, which are
// small: CBOR errors become JSON so that the SDK's own code makes its types of them.
func appendAsJSON(dst []byte, r *cbor.Reader, depth int) ([]byte, error) {
	if depth > cbor.MaxDepth {
		return nil, cbor.ErrDepth
	}
	switch r.Kind() {
	case cbor.KindText:
		b, err := r.Text()
		return jsonscan.AppendString(dst, b), err
	case cbor.KindBytes:
		b, err := r.Bytes()
		return jsonscan.AppendBase64(dst, b), err
	case cbor.KindInt:
		n, err := r.Int()
		return strconv.AppendInt(dst, n, 10), err
	case cbor.KindFloat:
		f, err := r.Float()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...), err
		}
		return strconv.AppendFloat(dst, f, 'g', -1, 64), err
	case cbor.KindBool:
		b, err := r.Bool()
		return strconv.AppendBool(dst, b), err
	case cbor.KindNull:
		r.Null()
		return append(dst, "null"...), nil
	case cbor.KindTag:
		if _, err := r.Tag(); err != nil {
			return nil, err
		}
		return appendAsJSON(dst, r, depth+1)
	case cbor.KindArray:
		return appendArrayAsJSON(dst, r, depth)
	case cbor.KindMap:
		return appendMapAsJSON(dst, r, depth)
	case cbor.KindEnd:
		return nil, cbor.ErrTruncated
	default:
		return nil, cbor.ErrSyntax
	}
}

func appendArrayAsJSON(dst []byte, r *cbor.Reader, depth int) ([]byte, error) {
	n, err := r.Array()
	if err != nil {
		return nil, err
	}
	dst = append(dst, '[')
	for first := true; r.Next(&n); first = false {
		if !first {
			dst = append(dst, ',')
		}
		if dst, err = appendAsJSON(dst, r, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendMapAsJSON(dst []byte, r *cbor.Reader, depth int) ([]byte, error) {
	n, err := r.Map()
	if err != nil {
		return nil, err
	}
	dst = append(dst, '{')
	for first := true; r.Next(&n); first = false {
		key, err := r.Text()
		if err != nil {
			return nil, err
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendString(dst, key), ':')
		if dst, err = appendAsJSON(dst, r, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}
