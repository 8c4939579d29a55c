package oteltrace_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const goMod = "module example.com/hello\n"

// traced is a Client and the spans that are made of what it does.
type traced struct {
	*fetch.Client
	account *account
}

// newTraced returns a Client that keeps what it fetches in memory, tries once and logs
// nowhere, unless opts say otherwise. When the test ends, each span must have ended
// exactly once.
func newTraced(t testing.TB, opts fetch.Options, tracing oteltrace.Options) *traced {
	t.Helper()
	a := newAccount(sdktrace.AlwaysSample())
	tracing.TracerProvider = a
	opts.Trace = oteltrace.New(&tracing)
	c := &traced{newClient(t, opts), a}
	t.Cleanup(func() { a.settle(t, c.Client) })
	return c
}

func newClient(t testing.TB, opts fetch.Options) *fetch.Client {
	t.Helper()
	if opts.Store == nil {
		opts.Store = cache.NewMemory(nil)
	}
	if opts.Go == nil {
		opts.Go = &fetch.GoSettings{GOSUMDB: "off"} // of these modules no public database knows
	}
	if opts.Retry == nil {
		opts.Retry = &breaker.RetryOptions{Tries: 1}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	c, err := fetch.New(&opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// An account is a provider that knows how often each of its spans was ended, which the
// SDK's own recorder does not say.
type account struct {
	*sdktrace.TracerProvider
	ended *tracetest.SpanRecorder

	mu    sync.Mutex
	spans []*accounted
}

func newAccount(sampler sdktrace.Sampler) *account {
	ended := tracetest.NewSpanRecorder()
	return &account{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSampler(sampler), sdktrace.WithSpanProcessor(ended)),
		ended:          ended,
	}
}

func (a *account) Tracer(name string, opts ...trace.TracerOption) trace.Tracer {
	return accounting{a.TracerProvider.Tracer(name, opts...), a}
}

type accounting struct {
	trace.Tracer
	account *account
}

func (a accounting) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	ctx, span := a.Tracer.Start(ctx, name, opts...)
	s := &accounted{Span: span, name: name, account: a.account}
	a.account.mu.Lock()
	defer a.account.mu.Unlock()
	a.account.spans = append(a.account.spans, s)
	return trace.ContextWithSpan(ctx, s), s
}

type accounted struct {
	trace.Span
	name    string
	account *account
	ends    int // under account.mu
}

func (s *accounted) End(opts ...trace.SpanEndOption) {
	s.account.mu.Lock()
	s.ends++
	s.account.mu.Unlock()
	s.Span.End(opts...)
}

// settle closes the client and checks that each span was ended once by then.
func (a *account) settle(t testing.TB, c *fetch.Client) {
	t.Helper()
	c.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.spans {
		if s.ends != 1 {
			t.Errorf("the span %q was ended %d times, want once", s.name, s.ends)
		}
	}
}

// ends returns what has ended, in the order in which it began; what began together, by
// its source.
func (a *account) ends() []sdktrace.ReadOnlySpan {
	all := a.ended.Ended()
	slices.SortFunc(all, func(x, y sdktrace.ReadOnlySpan) int {
		return cmp.Or(x.StartTime().Compare(y.StartTime()), cmp.Compare(attributeOf(x, "breakwater.source"), attributeOf(y, "breakwater.source")))
	})
	return all
}

func attributeOf(s sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, a := range s.Attributes() {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// find returns the spans of that name.
func (a *account) find(name string) []sdktrace.ReadOnlySpan {
	return slices.DeleteFunc(a.ends(), func(s sdktrace.ReadOnlySpan) bool { return s.Name() != name })
}

// story closes the client and returns the spans as text: a line each, the events of
// each, and those below it further in. Times are left out.
func (c *traced) story(t testing.TB) string {
	t.Helper()
	c.account.settle(t, c.Client)
	var b strings.Builder
	tell(&b, c.account.ends(), trace.SpanID{}, "")
	return b.String()
}

func tell(b *strings.Builder, spans []sdktrace.ReadOnlySpan, parent trace.SpanID, indent string) {
	for _, s := range spans {
		if s.Parent().SpanID() != parent {
			continue
		}
		fmt.Fprintf(b, "%s%s (%v)%s", indent, short(s.Name()), s.SpanKind(), attributesOf(s.Attributes()))
		if s.Status().Code != codes.Unset {
			fmt.Fprintf(b, " %v: %s", s.Status().Code, s.Status().Description)
		}
		b.WriteByte('\n')
		for _, e := range s.Events() {
			if mayComeLate(s, e) {
				continue
			}
			fmt.Fprintf(b, "%s\t* %s%s\n", indent, short(e.Name), attributesOf(e.Attributes))
		}
		tell(b, spans, s.SpanContext().SpanID(), indent+"\t")
	}
}

// mayComeLate reports whether an event is of storing a file of a version, which goes on
// when the answer is there, and so the end of the span.
func mayComeLate(s sdktrace.ReadOnlySpan, e sdktrace.Event) bool {
	if !strings.HasPrefix(short(s.Name()), "fetch mod") {
		return false
	}
	return short(e.Name) == "commit" || short(e.Name) == "degradation" && strings.Contains(attributesOf(e.Attributes), "cache-unwritable")
}

func short(name string) string { return strings.TrimPrefix(name, "breakwater.") }

func attributesOf(attrs []attribute.KeyValue) string {
	attrs = slices.Clone(attrs)
	slices.SortFunc(attrs, func(a, b attribute.KeyValue) int { return cmp.Compare(a.Key, b.Key) })
	var b strings.Builder
	for _, a := range attrs {
		switch a.Key {
		case "breakwater.first_byte", "breakwater.took", "breakwater.wait", "breakwater.after", "breakwater.kind":
			continue
		}
		fmt.Fprintf(&b, " %s=%s", short(string(a.Key)), a.Value.String())
	}
	return b.String()
}

// text is everything that the spans hold.
func (a *account) text() string {
	var b strings.Builder
	for _, s := range a.ends() {
		fmt.Fprintln(&b, s.Name(), s.Attributes(), s.Status(), s.Events(), s.Links())
	}
	return b.String()
}

// source is a source of that name.
func source(name string, answer func(ctx context.Context, req upstream.Request) (string, error)) upstream.Upstream {
	return upstream.WithName(name, upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		body, err := answer(ctx, req)
		if err != nil {
			e := *upstream.AsError(err, req, name)
			e.Source = name
			return nil, &e
		}
		return &upstream.Response{Body: io.NopCloser(strings.NewReader(body)), Size: int64(len(body)), Source: name}, nil
	}))
}

// answers, fails and hangs are what sources do.
func answers(context.Context, upstream.Request) (string, error) { return goMod, nil }

func fails(class upstream.Class, status int) func(context.Context, upstream.Request) (string, error) {
	return func(_ context.Context, req upstream.Request) (string, error) {
		return "", &upstream.Error{Class: class, Request: req, Status: status, Text: "about example.com/hello"}
	}
}

func hangs(ctx context.Context, req upstream.Request) (string, error) {
	<-ctx.Done()
	return "", upstream.ContextError(ctx, req, "")
}

func breaksOff(ctx context.Context, req upstream.Request) (string, error) {
	<-ctx.Done()
	return fails(upstream.Unavailable, 502)(ctx, req)
}

// inTurn does one thing after the other, and the last for ever.
func inTurn(all ...func(context.Context, upstream.Request) (string, error)) func(context.Context, upstream.Request) (string, error) {
	var mu sync.Mutex
	return func(ctx context.Context, req upstream.Request) (string, error) {
		mu.Lock()
		next := all[0]
		all = all[min(1, len(all)-1):]
		mu.Unlock()
		return next(ctx, req)
	}
}

// list asks the sources one after the other, also after failures.
func list(sources ...upstream.Upstream) upstream.Upstream {
	var steps []upstream.Step
	for _, s := range sources {
		steps = append(steps, upstream.Step{Upstream: s, OnAnyError: true})
	}
	return upstream.Fallback(steps...)
}

func request(t testing.TB, k upstream.Kind, version string) upstream.Request {
	t.Helper()
	req, err := upstream.NewRequest(k, "example.com/hello", version)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// ask fetches a file and passes over what comes of it, which the spans say.
func ask(ctx context.Context, f fetch.Fetcher, req upstream.Request) {
	if resp, err := f.Fetch(ctx, req); err == nil {
		resp.Body.Close()
	}
}
