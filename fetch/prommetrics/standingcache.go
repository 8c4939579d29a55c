package prommetrics

import (
	"github.com/breakwater-go/breakwater/cache"
	"github.com/prometheus/client_golang/prometheus"
)

// layerFigures are those of the store's layers.
type layerFigures struct{ bytes, entries, maxBytes, evicted, corruptions figure }

func (d *definer) layerFigures() layerFigures {
	return layerFigures{
		bytes:    d.gauge("cache_bytes", "Size of what a layer of the store holds; absent where it is not counted.", "layer"),
		entries:  d.gauge("cache_entries", "Entries that a layer of the store holds; absent where they are not counted.", "layer"),
		maxBytes: d.gauge("cache_max_bytes", "Bound of cache_bytes; absent where there is none.", "layer"),
		evicted:  d.count("cache_evicted_entries_total", "Entries that a layer of the store removed to make room.", "layer"),
		corruptions: d.count("cache_corruptions_total",
			"Entries that were found damaged, which costs a refetch."),
	}
}

func (f *layerFigures) send(ch chan<- prometheus.Metric, layers []cache.Usage) {
	var damaged int64
	for _, u := range byLayer(layers) {
		if u.Known {
			f.bytes.send(ch, float64(u.Bytes), u.Layer)
			f.entries.send(ch, float64(u.Entries), u.Layer)
		}
		if u.MaxBytes > 0 {
			f.maxBytes.send(ch, float64(u.MaxBytes), u.Layer)
		}
		f.evicted.send(ch, float64(u.Evicted), u.Layer)
		damaged += u.Damaged
	}
	f.corruptions.send(ch, float64(damaged))
}

// byLayer adds up layers of the same kind, whose series may exist once only. A sum of
// which a part is not known, or has no bound, is not known, or has none.
func byLayer(layers []cache.Usage) map[string]cache.Usage {
	all := map[string]cache.Usage{}
	for _, u := range layers {
		u.Layer = text(u.Layer)
		sum, again := all[u.Layer]
		if again {
			u = add(sum, u)
		}
		all[u.Layer] = u
	}
	return all
}

func add(a, b cache.Usage) cache.Usage {
	sum := cache.Usage{
		Layer: a.Layer, Known: a.Known && b.Known, Entries: a.Entries + b.Entries, Bytes: a.Bytes + b.Bytes,
		Evicted: a.Evicted + b.Evicted, Damaged: a.Damaged + b.Damaged,
	}
	if a.MaxBytes > 0 && b.MaxBytes > 0 {
		sum.MaxBytes = a.MaxBytes + b.MaxBytes
	}
	return sum
}
