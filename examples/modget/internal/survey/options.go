package survey

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// Options says what is measured, and within which bounds. Fields that are zero, or
// negative where they are numbers, mean the defaults.
type Options struct {
	// Sources are measured in this order. At least one must be more than "direct" or
	// "off", and their names must differ.
	Sources []Source

	// Sample holds what they are asked for: canonical versions of public modules, for
	// every source learns of each of them. Default: [DefaultSample].
	Sample []module.Version

	// Rounds is how often the small files are asked for, and the largest zip; the other
	// zips and the lists are asked for once. Default: 3.
	Rounds int

	// Verifier says what files must hash to. It is asked about every module of the
	// sample, over connections of its own, so that it warms none up that are measured.
	// Default: nobody is asked, and hashes are only compared with each other.
	Verifier verify.Verifier

	// Budget bounds all measuring. What is not measured by then is left out, and the
	// report says so. Default: 2 minutes.
	Budget time.Duration

	// Patience bounds one small answer, what the Verifier takes for one file, and the
	// look at why sources could not be reached, which comes when the Budget is spent.
	// Default: 10 s.
	Patience time.Duration

	// MaxZip and ZipTime bound one zip, in bytes and from asking for it to its end.
	// Of one that is larger, or that takes longer, the rate until then is measured,
	// but not the hash; of a source that is as slow as that, no further zip is asked
	// for. Defaults: 64 MiB, 30 s.
	MaxZip  int64
	ZipTime time.Duration

	// OnAsk is called before each call to a source, by the goroutine of Run.
	// Default: nobody is told.
	OnAsk func(Step)
}

// A Step is one call to a source that is about to be made.
type Step struct {
	Done, Total int // calls; those that turn out not to be needed count as done
	Source      string
	Request     upstream.Request
}

var (
	errNoSource = errors.New("there is no source to measure: name a module proxy or a directory (direct is version control, many servers that say nothing of each other)")
	errNoSample = errors.New("it is not a canonical version of a module, such as golang.org/x/mod@v0.20.0")
)

func (o *Options) withDefaults() (*Options, error) {
	if o == nil {
		return nil, errNoSource
	}
	d := *o
	if len(d.Sample) == 0 {
		d.Sample = DefaultSample()
	}
	d.Rounds = positive(d.Rounds, 3)
	d.Budget = positive(d.Budget, 2*time.Minute)
	d.Patience = positive(d.Patience, 10*time.Second)
	d.MaxZip = min(positive(d.MaxZip, 64<<20), upstream.Zip.MaxSize())
	d.ZipTime = positive(d.ZipTime, 30*time.Second)
	if d.OnAsk == nil {
		d.OnAsk = func(Step) {}
	}
	return &d, d.check()
}

func positive[T cmp.Ordered](value, otherwise T) T {
	var zero T
	if value > zero {
		return value
	}
	return otherwise
}

func (o *Options) check() error {
	names := map[string]bool{}
	for _, s := range o.Sources {
		if names[s.Name] || s.Name == "" || s.Upstream == nil {
			return fmt.Errorf("the source %q has no name or nothing behind it, or is named twice: name each source once", s.Name)
		}
		names[s.Name] = true
	}
	if !slices.ContainsFunc(o.Sources, func(s Source) bool { return !s.ends() }) {
		return errNoSource
	}
	for _, m := range o.Sample {
		if err := module.Check(m.Path, m.Version); err != nil || module.CanonicalVersion(m.Version) != m.Version {
			return fmt.Errorf("the sample %s: %w", m, cmp.Or(err, errNoSample))
		}
	}
	return nil
}
