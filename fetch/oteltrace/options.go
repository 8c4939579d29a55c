package oteltrace

import "go.opentelemetry.io/otel/trace"

// Options configures [New]. A nil *Options and zero fields mean the defaults.
type Options struct {
	// TracerProvider makes the spans, and decides which are sampled. What a sampler
	// is told of a span is its name, its kind and breakwater.kind. Default: the global one
	// (otel.GetTracerProvider), also if it is set later.
	TracerProvider trace.TracerProvider

	// ModuleNames has spans hold module paths and versions, and the texts of errors, which
	// may quote them. They go where all spans go, which may be somebody else's service.
	// Default: they are left out, for they may be of private modules, and a failure is
	// told by its class and its HTTP status.
	ModuleNames bool

	// PropagateTo reports whether requests to the source of that name may carry the
	// trace's IDs and state. The state is what the tracing systems on the way have
	// put there. It is called for each attempt, by many goroutines at once. Default:
	// they may, to all.
	PropagateTo func(source string) bool
}

func (o *Options) withDefaults() Options {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.PropagateTo == nil {
		opts.PropagateTo = func(string) bool { return true }
	}
	return opts
}
