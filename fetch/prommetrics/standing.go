package prommetrics

import (
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/prometheus/client_golang/prometheus"
)

// standing is what the Client is asked at a scrape: how things are, and what it counts
// itself in all the detail that is wanted.
type standing struct {
	inFlight, flights                  figure
	retries, verifications, unverified figure
	degradations                       figure
	sources                            sourceFigures
	layers                             layerFigures
	fileSystemFree, fileSystemSize     figure
	treeSize, headAge, securityEvents  figure
	buildInfo                          figure
	version, goVersion                 string
}

func (d *definer) standing() standing {
	s := standing{
		inFlight: d.gauge("requests_in_flight", "Calls of Fetch under way."),
		flights:  d.gauge("flights", "Downloads and look-ups under way, those of the background included."),

		retries:       d.count("retries_total", "Tries after the first that were waited for."),
		verifications: d.count("verifications_total", "Files that were or could not be checked, by what came of it.", "result"),
		unverified:    d.gauge("unverified_files", "Files that were handed out unverified and wait to be checked."),
		degradations:  d.count("degradations_total", "Times that a caller got, or the Client had, less than is promised.", "what"),

		sources: d.sourceFigures(),
		layers:  d.layerFigures(),

		fileSystemFree: d.gauge("cache_filesystem_free_bytes", "Room left for an ordinary user in the file system below the store.", "dir"),
		fileSystemSize: d.gauge("cache_filesystem_size_bytes", "Size of the file system below the store.", "dir"),

		treeSize: d.gauge("sumdb_tree_size", "Records that the latest known tree head of the checksum database covers; absent where none is asked."),
		headAge: d.gauge("sumdb_head_age_seconds",
			"Time since a source last confirmed the latest tree head; absent before the first time."),
		securityEvents: d.count("sumdb_security_events_total", "Times that the checksum database contradicted itself or was tampered with."),

		buildInfo: d.gauge("build_info", "1, with the versions of this library and of Go.", "version", "goversion"),
	}
	s.version, s.goVersion = buildVersions()
	return s
}

// send sends all figures.
func (s *standing) send(ch chan<- prometheus.Metric, of *fetch.Stats, below map[string]cache.FileSystem) {
	s.inFlight.send(ch, float64(of.InFlight))
	s.flights.send(ch, float64(of.Flights))
	s.retries.send(ch, float64(of.Retries))
	s.verifications.send(ch, float64(of.Verified), "verified")
	s.verifications.send(ch, float64(of.Mismatched), "mismatched")
	s.verifications.send(ch, float64(of.Unverifiable), "unverifiable")
	s.unverified.send(ch, float64(of.Unverified))
	for what, n := range of.Degraded {
		s.degradations.send(ch, float64(n), fetch.Degraded(what).String())
	}
	s.sources.send(ch, of.Sources)
	s.layers.send(ch, of.Cache)
	for dir, fs := range byDirectory(below) {
		s.fileSystemFree.send(ch, float64(fs.Free), dir)
		s.fileSystemSize.send(ch, float64(fs.Total), dir)
	}
	s.sendDatabase(ch, of.Database)
	s.buildInfo.send(ch, 1, s.version, s.goVersion)
}

func (s *standing) sendDatabase(ch chan<- prometheus.Metric, db *fetch.DatabaseStats) {
	if db == nil {
		s.securityEvents.send(ch, 0) // an alert that finds no series cannot tell that from peace
		return
	}
	s.securityEvents.send(ch, float64(db.SecurityEvents))
	s.treeSize.send(ch, float64(db.TreeSize))
	if !db.Confirmed.IsZero() {
		s.headAge.send(ch, max(0, time.Since(db.Confirmed)).Seconds())
	}
}
