package md5lanes

// Wide reports whether this processor can hash several messages at once.
func Wide() bool { return wide() }
