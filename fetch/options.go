package fetch

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/breakwater-go/breakwater/verify"
)

// Options configures [New]. A nil *Options and zero fields mean the defaults;
// where a field is a duration, a negative one switches the thing off.
type Options struct {
	// Upstream is where modules come from. Every source in it gets a circuit
	// breaker and checks of its own, and the whole is retried: bring neither
	// yourself. [upstream.Direct] in it, or in Private, is version control, as
	// Direct below tunes it, unless there is middleware around it: for that there is
	// the next field. Default: the GOPROXY list of Go, where modules that match its
	// GONOPROXY are kept from the proxies.
	Upstream upstream.Upstream

	// Middleware is put around each source: those of the GOPROXY list or of
	// Upstream, those in Private, and version control. It is inside the source's
	// circuit, so it sees each request that the source is sent, tries and probes
	// too, and an error of its own is the source's. A source that is in several
	// places is wrapped in each of them, and all are anew by [Client.Reconfigure].
	// For several, see [upstream.Chain]. Default: none.
	Middleware upstream.Middleware

	// Go holds go command settings; an empty GOSUMDB means the public checksum
	// database. An Upstream of your own takes the place of GOPROXY, and is not
	// asked for what GONOPROXY matches, which comes from version control.
	// Default: the user's, by [ReadGoSettings]; with an Upstream of your own,
	// only their GOSUMDB and GONOSUMDB.
	Go *GoSettings

	// Private sends modules to sources of their own, by the first route whose
	// patterns match, before GONOPROXY is looked at. Such a source is the only one
	// that learns of the module, whatever is down, and no checksum database is
	// asked about it. What the store has of the module from before stays there:
	// [Client.Purge] removes it. Default: none.
	Private []upstream.Route

	// Claimed holds patterns of module paths that are for internal modules alone.
	// One that has no source of its own, by Private or GONOPROXY, is denied: a
	// public module of that name is somebody else's. No checksum database is asked
	// about them. Default: none.
	Claimed string

	// Direct tunes how modules are fetched from version control, which is what
	// "direct" in GOPROXY, or in a list of your own, and what GONOPROXY matches mean. Its Name is not looked
	// at; VCS and Insecure are GOVCS and GOINSECURE of Go where they are empty, and
	// Private, which says what is fetched with credentials, is what GOPRIVATE and
	// GONOPROXY match (but for a GONOPROXY of "*"). Default: the options' defaults; where the go command or git
	// is not installed, nothing is found there.
	Direct *gocmd.Options

	// GoSum decides about the module files that it lists, private ones too, as
	// go.sum files do for the go command; about the rest the Verifier does.
	// Others may share the Store, so what is there already and has another hash
	// stays, and is refused here ([upstream.Untrusted]) unless a source has the file
	// that is listed, which is then handed out and not stored. Default: none.
	GoSum *verify.GoSum

	// Verifier says what module files must hash to; nothing that it does not
	// vouch for is stored or handed out. It is asked about every module: a
	// [verify.GoSum] here is strict, and what it does not list is denied.
	// Default: the checksum database that the GOSUMDB of Go names, which is not
	// asked about what GONOSUMDB matches. Where GOSUMDB is "off", nothing is
	// compared.
	Verifier verify.Verifier

	// WhenReachable serves module files also while the Verifier cannot be asked.
	// They are kept apart, verified when it answers again, and dropped if they
	// fail then. Default: such requests fail as unavailable.
	WhenReachable bool

	// OnSecurityEvent is called when a checksum database contradicts itself or
	// its signature does not verify. Calls may come from many goroutines at once.
	// Default: nobody is told but the Logger.
	OnSecurityEvent func(verify.SecurityEvent)

	// HTTP tunes the HTTP sources that the GOPROXY list makes. Where it names no
	// Credentials, they come from where the GOAUTH of Go says, as for the go command
	// (empty means netrc), and are for the go-import pages that Direct asks for, too.
	// Default: what nil means to [upstream.NewHTTP].
	HTTP *upstream.HTTPOptions

	// Store keeps what was fetched. It stays open when the Client is closed.
	// Default: memory over a directory, as the next two fields say, which have
	// no effect beside a Store of your own. The default store is closed with the
	// Client.
	Store cache.Store

	// CacheDir is the default store's directory. Several processes may use one,
	// and then fetch each file once. What is deleted from it while nobody writes
	// is fetched again. Default: "breakwater" in the user's cache directory
	// ([os.UserCacheDir]).
	CacheDir string

	// CacheBytes bounds the content in that directory, in bytes (a file that is
	// larger by itself is not kept), and CacheAge how
	// long a file is kept there that nobody asks for. What goes first is what can
	// change, then what was not used for long and is quickly fetched again. The
	// modules that match Pinned, patterns as in GOPRIVATE, stay. Defaults: no
	// bounds, and nothing.
	CacheBytes int64
	CacheAge   time.Duration
	Pinned     string

	// MemoryBytes is the budget of the default store's memory layer, in bytes.
	// Default: 64 MiB, which is what 0 means; negative: no memory layer.
	MemoryBytes int64

	// Circuit, Retry and Limit tune the middleware of those names, Hedge when a
	// second mirror is asked beside a slow one, and Spool what is too slow for a
	// body and when one that broke off goes on; its New is not looked at.
	// Default: what nil means to each of them.
	Circuit *breaker.CircuitOptions
	Retry   *breaker.RetryOptions
	Limit   *breaker.LimitOptions
	Hedge   *upstream.HedgeOptions
	Spool   *verify.SpoolOptions

	// Probe has the sources asked from time to time in the background, so that
	// it is known how they fare before anybody needs them. Default: they are
	// not; &breaker.ProbeOptions{} is every 30 s.
	Probe *breaker.ProbeOptions

	// Prefetch has go.mod files fetched in the background before anybody asks for
	// them: once a caller got one, those that it requires, and from there on those
	// that the go command would read, which prunes the graph where a go.mod file says
	// go 1.17 or later; and once a caller got the .info of a version, its go.mod.
	// They go to the store by the same routes and with the same checks as what
	// callers ask for, and make way for callers where there is a limit, but do not come from
	// version control. That one cannot be had is no caller's failure; when a source
	// fails, nothing more follows from the same answer. It costs requests that
	// nobody may need, to the sources and the checksum database, room in the store,
	// and a look at each answer that does not come from memory. A [Policy] around
	// the Client is not asked: it decides what is handed out.
	// Default: nothing is fetched but what was asked for; &PrefetchOptions{} is by
	// its defaults.
	Prefetch *PrefetchOptions

	// Offline answers from the store alone: no source is ever asked, and none
	// need be configured. What is not
	// there is unavailable, with [upstream.ErrOffline] as the cause. Default: false.
	Offline bool

	// TTL is how long the answer to a changeable question (a list, @latest, a
	// version query, a checksum database's tree head) counts as fresh, give or
	// take up to a tenth less, so that what was fetched together is not fetched
	// together again. What is asked for often is fetched anew in the background
	// shortly before. Default: 1 minute; negative: never. TTLs says otherwise for
	// some kinds, by the same rules.
	TTL  time.Duration
	TTLs map[upstream.Kind]time.Duration

	// RevalidateWithin is how long after that it is still given at once, while
	// a new one is fetched in the background. Default: 10 minutes.
	RevalidateWithin time.Duration

	// StaleWait is how long a caller waits for a new answer when an even older
	// one is at hand. After that it is given the old one, and the new one is
	// fetched in the background. Default: 5 s; negative: the caller waits for
	// the outcome.
	StaleWait time.Duration

	// MaxStale bounds the age of what is given when sources fail.
	// Default: no bound; negative: nothing stale is given for a failure.
	MaxStale time.Duration

	// NotFoundTTL is how long "not found" is remembered, give or take a
	// quarter. Default: 10 s.
	NotFoundTTL time.Duration

	// Grace is how long a download goes on when its last caller has left.
	// Default: 3 s.
	Grace time.Duration

	// Trace is told what the Client does. [Client.Observe] adds to it later.
	// Default: nobody is told.
	Trace *Trace

	closed bool // the checksum database is asked through Upstream alone

	// Logger gets what no caller is told: that a source is out or back, that the
	// store failed, that a background refresh failed. Default: [slog.Default].
	Logger *slog.Logger
}

func (o *Options) withDefaults() Options {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts.TTL = cmp.Or(opts.TTL, time.Minute)
	opts.RevalidateWithin = cmp.Or(opts.RevalidateWithin, 10*time.Minute)
	opts.StaleWait = cmp.Or(opts.StaleWait, 5*time.Second)
	opts.NotFoundTTL = cmp.Or(opts.NotFoundTTL, 10*time.Second)
	opts.Grace = cmp.Or(opts.Grace, 3*time.Second)
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	return opts
}

// openStore opens the default store.
func (o *Options) openStore(w *watch) (cache.Store, error) {
	dir := o.CacheDir
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no place for the cache, name one in CacheDir: %w", err)
		}
		dir = filepath.Join(base, "breakwater")
	}
	disk, err := cache.OpenDisk(dir, o.diskOptions(w))
	if err != nil || o.MemoryBytes < 0 {
		return disk, err
	}
	return cache.Layered(cache.NewMemory(&cache.MemoryOptions{MaxBytes: o.MemoryBytes}), disk), nil
}
