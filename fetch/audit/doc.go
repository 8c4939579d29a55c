// Package audit keeps account of what was handed out: one [Record] for each
// download and each denial, written to a log by [Log] or [LogJSON], read back by
// [Read], and made into a list of what was handed out in a period by
// [WriteCycloneDX].
//
//	handler := fetch.NewHandler(client, &fetch.HandlerOptions{
//		Audit: audit.LogJSON(file),
//	})
//
// The log is as good as what it is written to: neither slog nor LogJSON says
// whether a line was written. Who must not lose a record writes a func of his own
// for the handler's Audit option.
package audit
