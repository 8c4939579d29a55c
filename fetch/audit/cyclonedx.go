package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"time"
)

// BOMOptions configures [WriteCycloneDX]. A nil *BOMOptions and zero fields mean
// the defaults.
type BOMOptions struct {
	// From and To are the period, From included and To not. Default: without a
	// beginning, and without an end.
	From, To time.Time

	// SerialNumber identifies the document: "urn:uuid:" and a UUID in lower case
	// (RFC 9562). Default: none, so that the same records make the same document.
	SerialNumber string

	// Created is when the document was made. Default: it does not say.
	Created time.Time
}

var (
	serialNumber = regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

	errSerialNumber = errors.New(`it is not "urn:uuid:" and a UUID in lower case`)
	errPeriod       = errors.New("the period ends before it begins")
)

// WriteCycloneDX writes a bill of materials: which module versions had their zip
// handed out in a period. The format is CycloneDX 1.6 as JSON
// (https://cyclonedx.org/docs/1.6/json/). A zip was handed out if any byte of it
// was sent: a download that broke off counts, and one that was denied, answered
// with 304 or asked for by HEAD does not.
//
// Each is a component of type library with its module path as the name, its
// version, its purl, and these properties, repeated where there are several:
//
//	breakwater:verified  how it was verified, or "not verified"
//	breakwater:origin    the source that it was first had from
//
// Its hash is the SHA-256 of the zip file; that is not the "h1:" hash of a go.sum,
// which is of the files inside. Only where different bytes were handed out under
// one version, as may happen with what is not verified, it has a component for
// each. Components are sorted by module and version, and the document depends on
// nothing but the records, whatever their order, and opts.
//
// The first error of records, which may be those of [Read], is returned, and
// nothing has been written then: a list that lacks something must not look
// complete. WriteCycloneDX holds a component in memory for each module version.
func WriteCycloneDX(w io.Writer, records iter.Seq2[Record, error], opts *BOMOptions) error {
	if err := writeCycloneDX(w, records, opts); err != nil {
		return fmt.Errorf("writing a bill of materials: %w", err)
	}
	return nil
}

func writeCycloneDX(w io.Writer, records iter.Seq2[Record, error], opts *BOMOptions) error {
	var o BOMOptions
	if opts != nil {
		o = *opts
	}
	if err := o.check(); err != nil {
		return err
	}
	found := inventory{}
	for record, err := range records {
		if err != nil {
			return err
		}
		if o.covers(record.Time) && handedOut(record) {
			found.add(record)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(newDocument(&o, found.components()))
}

func (o *BOMOptions) check() error {
	if o.SerialNumber != "" && !serialNumber.MatchString(o.SerialNumber) {
		return fmt.Errorf("serial number %q: %w", o.SerialNumber, errSerialNumber)
	}
	if !o.From.IsZero() && !o.To.IsZero() && o.To.Before(o.From) {
		return errPeriod
	}
	return nil
}

func (o *BOMOptions) covers(t time.Time) bool {
	return !t.Before(o.From) && (o.To.IsZero() || t.Before(o.To))
}

// The parts of the format that are used, in the order in which its documentation
// has them.
type (
	document struct {
		Schema       string      `json:"$schema"`
		BOMFormat    string      `json:"bomFormat"`
		SpecVersion  string      `json:"specVersion"`
		SerialNumber string      `json:"serialNumber,omitempty"`
		Version      int         `json:"version"`
		Metadata     metadata    `json:"metadata"`
		Components   []component `json:"components"`
	}
	metadata struct {
		Timestamp  string     `json:"timestamp,omitempty"`
		Tools      tools      `json:"tools"`
		Properties []property `json:"properties,omitempty"`
	}
	tools struct {
		Components []component `json:"components"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref,omitempty"`
		Name       string     `json:"name"`
		Version    string     `json:"version,omitempty"`
		Hashes     []hash     `json:"hashes,omitempty"`
		PURL       string     `json:"purl,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

func newDocument(o *BOMOptions, components []component) document {
	d := document{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", BOMFormat: "CycloneDX", SpecVersion: "1.6",
		SerialNumber: o.SerialNumber, Version: 1, Components: components,
	}
	d.Metadata.Tools.Components = []component{{Type: "application", Name: "breakwater"}}
	d.Metadata.Timestamp = date(o.Created)
	for _, bound := range []property{{"breakwater:from", date(o.From)}, {"breakwater:to", date(o.To)}} {
		if bound.Value != "" {
			d.Metadata.Properties = append(d.Metadata.Properties, bound)
		}
	}
	return d
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
