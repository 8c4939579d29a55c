// Package audit keeps account of what was handed out: one [Record] for each
// download and each denial, written to a log by [Log] or [LogJSON], read back by [Read], and
// made into a list of what was handed out in a period by [WriteCycloneDX].
//
//	opts := &fetch.HandlerOptions{Audit: audit.Log(slog.New(slog.NewJSONHandler(file, nil)))}
//
// The log is as good as its handler: slog does not say whether a line was
// written. Who must not lose a record writes a func of his own for
// HandlerOptions.Audit.
package audit
