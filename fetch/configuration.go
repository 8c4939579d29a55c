package fetch

import (
	"fmt"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A ConfigurationGroup is what a [Client] works by in one respect, for showing: no
// password, token, user information or query is in it.
type ConfigurationGroup struct {
	Name     string    `json:"name"`     // what the settings are about
	Settings []Setting `json:"settings"` // in an order fit for reading
}

// A Setting is one setting in words.
type Setting struct {
	Name  string `json:"name"`  // as an administrator knows it
	Value string `json:"value"` // in words, with its unit
}

const thisModule = "github.com/breakwater-go/breakwater"

// configuration returns what the core works by. Defaults are shown as what they are.
func (c *core) configuration(since, now time.Time) []ConfigurationGroup {
	return []ConfigurationGroup{
		{"Program", programSettings(since, now)},
		{"Where modules come from", c.sourceSettings()},
		{"What is private", c.privacySettings()},
		{"What is verified", c.verificationSettings()},
		{"How long answers count", c.freshnessSettings()},
		{"Cache", c.cacheSettings()},
		{"When sources fail", c.weatherSettings()},
	}
}

func programSettings(since, now time.Time) []Setting {
	main, version := programVersion()
	return []Setting{
		{"program", main}, {"breakwater", version}, {"go", runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
		{"up for", now.Sub(since).Round(time.Second).String()},
	}
}

// programVersion returns the program and the version of this library in it, as the
// go command wrote them into the binary.
func programVersion() (program, version string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "unknown"
	}
	program = strings.TrimSpace(info.Main.Path + " " + info.Main.Version)
	if info.Main.Path == thisModule {
		return program, orUnknown(info.Main.Version)
	}
	for _, dep := range info.Deps {
		if dep.Path == thisModule {
			return program, orUnknown(dep.Version)
		}
	}
	return program, "unknown"
}

func orUnknown(version string) string {
	if version == "" || version == "v0.0.0" {
		return "(devel)"
	}
	return version
}

func (c *core) sourceSettings() []Setting {
	goproxy := redactedGOPROXY(c.plan.settings.GOPROXY)
	if c.opts.Upstream != nil {
		goproxy = "not looked at, the program has sources of its own"
	}
	return []Setting{
		{"GOPROXY", goproxy},
		{"sources", listed(nameAll(sourcesOf(c.source)))},
		{"GONOPROXY", orNone(c.plan.settings.GONOPROXY)},
		{"GOAUTH", redactedGOAUTH(c.plan.settings.GOAUTH)},
		{"GOVCS", orDefault(c.plan.settings.GOVCS)},
		{"GOINSECURE", orNone(c.plan.settings.GOINSECURE)},
		{"offline", yesNo(c.opts.Offline)},
	}
}

func (c *core) privacySettings() []Setting {
	out := []Setting{{"GOPRIVATE", orNone(c.plan.settings.GOPRIVATE)}, {"claimed", orNone(c.opts.Claimed)}}
	for _, r := range c.opts.Private {
		out = append(out, Setting{"route " + clip(r.Patterns), listed(nameAll(upstream.Sources(r.Upstream)))})
	}
	return out
}

func (c *core) verificationSettings() []Setting {
	out := []Setting{
		{"GOSUMDB", redactedGOSUMDB(c.sumDBSetting)}, {"GONOSUMDB", orNone(c.plan.settings.GONOSUMDB)},
		{"go.sum", yesNo(c.opts.GoSum != nil)}, {"verifier of its own", yesNo(c.opts.Verifier != nil)},
	}
	return append(out, Setting{"served unverified while nobody can be asked", yesNo(c.opts.WhenReachable)})
}

func (c *core) freshnessSettings() []Setting {
	out := []Setting{
		{"answers that can change", span(c.opts.TTL)}, {"then renewed behind the scenes for", span(c.opts.RevalidateWithin)},
		{"wait for a new answer", span(c.opts.StaleWait)}, {"oldest answer given in an outage", spanIfAny(c.opts.MaxStale)},
		{"not found", span(c.opts.NotFoundTTL)}, {"downloads outlive their callers by", span(c.opts.Grace)},
	}
	for kind := range upstream.Kind(32) {
		if ttl, ok := c.opts.TTLs[kind]; ok {
			out = append(out, Setting{"answers to " + kind.String(), span(ttl)})
		}
	}
	return out
}

func (c *core) cacheSettings() []Setting {
	if c.opts.Store != nil {
		return []Setting{{"store", "the program's own"}}
	}
	memory := "64 MiB"
	switch {
	case c.opts.MemoryBytes < 0:
		memory = "none"
	case c.opts.MemoryBytes > 0:
		memory = size(c.opts.MemoryBytes)
	}
	disk := "no bound"
	if c.opts.CacheBytes > 0 {
		disk = size(c.opts.CacheBytes)
	}
	return []Setting{
		{"directory", orDefault(c.opts.CacheDir)}, {"on disk", disk}, {"in memory", memory},
		{"kept unused for", spanIfAny(c.opts.CacheAge)}, {"pinned", orNone(c.opts.Pinned)},
	}
}

// weatherSettings shows of the middleware's options what is not a default, for the
// defaults are that middleware's business.
func (c *core) weatherSettings() []Setting {
	var out []Setting
	add := func(name string, set bool, format string, args ...any) {
		value := "default"
		if set {
			value = fmt.Sprintf(format, args...)
		}
		out = append(out, Setting{name, value})
	}
	if o := c.opts.Circuit; o != nil {
		add("circuit opens after failures in a row", o.ConsecutiveFailures != 0, "%d", o.ConsecutiveFailures)
		add("circuit stays open for", o.OpenFor != 0, "%s", plainly(o.OpenFor))
	} else {
		add("circuits", false, "")
	}
	if o := c.opts.Retry; o != nil {
		add("tries", o.Tries != 0, "%d", o.Tries)
		add("tried again within", o.MaxElapsed != 0, "%s", span(o.MaxElapsed))
	} else {
		add("retries", false, "")
	}
	if o := c.opts.Limit; o != nil {
		add("calls at once: small files, zips, checksum database", true, "%s, %s, %s", orZero(o.SmallFiles), orZero(o.Zips), orZero(o.SumDBs))
	} else {
		add("limits", false, "")
	}
	add("hedging", c.opts.Hedge != nil, "tuned by the program")
	probe := "no"
	if o := c.opts.Probe; o != nil && !c.opts.Offline {
		probe = "yes"
		if o.Every > 0 {
			probe = "every " + o.Every.String()
		}
	}
	return append(out, Setting{"probes", probe})
}

func nameAll(sources []upstream.Upstream) []string {
	all := make([]string, len(sources))
	for i, s := range sources {
		all[i] = clip(upstream.Name(s))
	}
	return all
}

func listed(all []string) string { return orNone(strings.Join(all, ", ")) }

func orNone(s string) string    { return or(s, "none") }
func orDefault(s string) string { return or(s, "default") }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return clip(s)
}

func orZero(n int) string {
	switch {
	case n == 0:
		return "default"
	case n < 0:
		return "no limit"
	}
	return fmt.Sprint(n)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// span shows a duration of which negative ones mean that there is none; spanIfAny one
// of which zero means that there is no bound.
func span(d time.Duration) string {
	if d < 0 {
		return "none"
	}
	return plainly(d)
}

// plainly leaves out minutes and seconds that are none.
func plainly(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func spanIfAny(d time.Duration) string {
	if d == 0 {
		return "no bound"
	}
	return span(d)
}

// redactedGOPROXY returns a GOPROXY list for showing, with its separators.
func redactedGOPROXY(list string) string {
	entries, err := upstream.ParseGOPROXY(list)
	if err != nil {
		return "none"
	}
	var b strings.Builder
	for i, e := range entries {
		b.WriteString(redactedURL(e.URL))
		switch {
		case i == len(entries)-1:
		case e.OnAnyError:
			b.WriteString(" | ")
		default:
			b.WriteString(", ")
		}
	}
	return clip(b.String())
}

// redactedGOSUMDB returns a GOSUMDB without the key, which is long and says nothing to
// people.
func redactedGOSUMDB(value string) string {
	db, err := verify.ParseGOSUMDB(value)
	switch {
	case err != nil:
		return "not valid"
	case db == nil:
		return "off"
	case !db.Fixed:
		return db.Name
	}
	return clip(db.Name + ", asked at " + redactedURL(db.URL))
}

// redactedGOAUTH shows which ways there are: the arguments of a command may be
// secrets.
func redactedGOAUTH(value string) string {
	var ways []string
	for way := range strings.SplitSeq(value, ";") {
		if command, rest, _ := strings.Cut(strings.TrimSpace(way), " "); command != "" {
			if rest != "" {
				command += " (arguments not shown)"
			}
			ways = append(ways, command)
		}
	}
	return clip(or(strings.Join(ways, "; "), "netrc"))
}

// redactedURL returns a URL for showing. User information, query and fragment are
// where people put tokens. What has an @ elsewhere was mistyped, and then only what
// follows the last one is shown; what does not parse is not shown.
func redactedURL(s string) string {
	if s == "direct" || s == "off" {
		return s
	}
	u, err := url.Parse(s)
	if err != nil {
		return "(not a URL)"
	}
	u.Fragment, u.RawFragment = "", ""
	if u.User != nil {
		u.User = url.User("xxxxx")
	}
	if u.RawQuery != "" || u.ForceQuery {
		u.RawQuery = "xxxxx"
	}
	if rest := u.Opaque + u.Path; strings.Contains(rest, "@") {
		u = &url.URL{Scheme: u.Scheme, User: url.User("xxxxx"), Host: rest[strings.LastIndexByte(rest, '@')+1:]}
	}
	return u.String()
}
