package oteltrace

import (
	"errors"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel/attribute"
)

// The keys of attributes; see the package's documentation.
const (
	keyKind      attribute.Key = "breakwater.kind"
	keyModule    attribute.Key = "breakwater.module"
	keyVersion   attribute.Key = "breakwater.version"
	keyOutcome   attribute.Key = "breakwater.outcome"
	keyResult    attribute.Key = "breakwater.result"
	keySource    attribute.Key = "breakwater.source"
	keySize      attribute.Key = "breakwater.size"
	keyFirstByte attribute.Key = "breakwater.first_byte"
	keyClass     attribute.Key = "breakwater.class"
	keyReason    attribute.Key = "breakwater.reason"

	// By OpenTelemetry's semantic conventions for HTTP.
	keyStatus attribute.Key = "http.response.status_code"
)

// nameAttributes says what is asked about.
func nameAttributes(req upstream.Request) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	if path := req.Module(); path != "" {
		attrs = append(attrs, keyModule.String(path))
	}
	if version := req.Version(); version != "" {
		attrs = append(attrs, keyVersion.String(version))
	}
	return attrs
}

// appendReason adds what failed, if names may be told: it may quote what the source
// wrote, and what the checksum database has of the module.
func (t *tracing) appendReason(attrs []attribute.KeyValue, err *upstream.Error) []attribute.KeyValue {
	if !t.opts.ModuleNames {
		return attrs
	}
	return append(attrs, keyReason.String(err.Reason()))
}

// appendError adds what is known of an error of whatever type. One that is none of a
// source's, such as a store's, has no class.
func (t *tracing) appendError(attrs []attribute.KeyValue, err error) []attribute.KeyValue {
	if err == nil {
		return attrs
	}
	if e, ok := errors.AsType[*upstream.Error](err); ok && e != nil {
		attrs = append(attrs, keyClass.String(label(e.Class)))
	}
	return t.appendReason(attrs, upstream.AsError(err, upstream.Request{}, ""))
}

// label returns the class as metrics have it, such as "not-found".
func label(c upstream.Class) string { return strings.ReplaceAll(c.String(), " ", "-") }

// statusText describes a failure in the same few words each time, by which tools
// group failures. What was different about this one is its reason.
func statusText(err *upstream.Error) string {
	if err == nil {
		return ""
	}
	return label(err.Class)
}
