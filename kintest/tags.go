package kintest

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// maxTags is how many tags a stream or consumer may have.
const maxTags = 50

// checkTags checks tags that are to be added to those there are.
func checkTags(key streamKey, have, more map[string]string) error {
	count := len(have)
	for k, v := range more {
		if strings.ContainsFunc(k, badTagRune) || strings.ContainsFunc(v, badTagRune) {
			return fail(codeInvalidArgument, "Some tags contain invalid characters. Valid characters: "+
				"Unicode letters, digits, white space, _ . / = + - %% @.")
		}
		if _, known := have[k]; !known {
			count++
		}
	}
	if count > maxTags {
		return fail(codeInvalidArgument, "Failed to add tags to stream %s under account %s "+
			"because a given stream cannot have more than %d tags associated with it.", key.name, key.account, maxTags)
	}
	return nil
}

func badTagRune(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) && !strings.ContainsRune("_.:/=+-%@", r)
}

// withTags returns tags with more of them; the old ones are left as they are.
func withTags(have, more map[string]string) map[string]string {
	out := make(map[string]string, len(have)+len(more))
	maps.Copy(out, have)
	maps.Copy(out, more)
	return out
}

// withoutTags returns tags without some of them.
func withoutTags(have map[string]string, keys []string) map[string]string {
	out := maps.Clone(have)
	for _, k := range keys {
		delete(out, k)
	}
	return out
}

// listTags returns tags in the order of their keys, from the first after one on.
func listTags(tags map[string]string, after string) []types.Tag {
	out := []types.Tag{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if k > after {
			out = append(out, types.Tag{Key: new(k), Value: new(tags[k])})
		}
	}
	return out
}
