package kin

// Then returns hooks that call those of h, and after each the one of next. Both may have functions that are nil. So
// metrics, logs and tests listen to one producer.
func (h ProducerHooks) Then(next ProducerHooks) ProducerHooks {
	return ProducerHooks{
		Called:     then(h.Called, next.Called),
		Failed:     then(h.Failed, next.Failed),
		Blocked:    then(h.Blocked, next.Blocked),
		MapChanged: then(h.MapChanged, next.MapChanged),
	}
}

// Then returns hooks that call those of h, and after each the one of next. Both may have functions that are nil.
func (h ConsumerHooks) Then(next ConsumerHooks) ConsumerHooks {
	return ConsumerHooks{
		Retrying:      then(h.Retrying, next.Retrying),
		Fetched:       then(h.Fetched, next.Fetched),
		BadRecord:     then(h.BadRecord, next.BadRecord),
		OutOfRange:    then(h.OutOfRange, next.OutOfRange),
		Handled:       then(h.Handled, next.Handled),
		BatchSkipped:  then(h.BatchSkipped, next.BatchSkipped),
		ShardStarted:  then(h.ShardStarted, next.ShardStarted),
		ShardStopping: then(h.ShardStopping, next.ShardStopping),
		ShardStopped:  then(h.ShardStopped, next.ShardStopped),
		ShardGone:     then(h.ShardGone, next.ShardGone),
		Group:         then(h.Group, next.Group),
	}
}

// Then returns hooks that call those of h, and after each the one of next. Both may have functions that are nil.
func (h ReaderHooks) Then(next ReaderHooks) ReaderHooks {
	return ReaderHooks{
		Retrying:     then(h.Retrying, next.Retrying),
		Fetched:      then(h.Fetched, next.Fetched),
		ShardStarted: then(h.ShardStarted, next.ShardStarted),
		ShardEnded:   then(h.ShardEnded, next.ShardEnded),
		ShardGone:    then(h.ShardGone, next.ShardGone),
		BadRecord:    then(h.BadRecord, next.BadRecord),
		OutOfRange:   then(h.OutOfRange, next.OutOfRange),
	}
}

func then[T any](first, next func(T)) func(T) {
	switch {
	case first == nil:
		return next
	case next == nil:
		return first
	}
	return func(info T) {
		first(info)
		next(info)
	}
}
