package audit

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// inventory is what was handed out: of each zip how it was verified and where it
// came from, as sets.
type inventory map[artifact]*history

type artifact struct{ module, version, sha256 string }

type history struct{ verified, origins map[string]bool }

// handedOut reports whether r is about bytes of a zip that left the house.
func handedOut(r Record) bool {
	return r.Kind == "zip" && r.Decision != Denied && r.Sent > 0 && r.Module != "" &&
		(r.Status == http.StatusOK || r.Status == http.StatusPartialContent)
}

func (in inventory) add(r Record) {
	key := artifact{r.Module, r.Version, strings.ToLower(r.SHA256)}
	if in[key] == nil {
		in[key] = &history{map[string]bool{}, map[string]bool{}}
	}
	in[key].verified[cmp.Or(r.Verified, "not verified")] = true
	if r.Origin != "" {
		in[key].origins[r.Origin] = true
	}
}

// components returns a component for each zip, in order.
func (in inventory) components() []component {
	versions := map[artifact]int{} // how many different zips a version had
	for a := range in {
		versions[artifact{module: a.module, version: a.version}]++
	}
	all := []component{} // none is an empty list, and not null
	for _, a := range slices.SortedFunc(maps.Keys(in), compareArtifacts) {
		c := component{
			Type: "library", Ref: a.module + "@" + a.version, Name: a.module, Version: a.version,
			PURL: purl(a.module, a.version), Properties: in[a].properties(),
		}
		if versions[artifact{module: a.module, version: a.version}] > 1 {
			c.Ref += "#" + a.sha256
		}
		if sha256Hex.MatchString(a.sha256) {
			c.Hashes = []hash{{"SHA-256", a.sha256}}
		}
		all = append(all, c)
	}
	return all
}

// sha256Hex is what the format takes for a SHA-256, in lower case.
var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// compareArtifacts orders the versions of a module by precedence; build metadata
// such as "+incompatible" is not part of that (https://semver.org, section 10).
func compareArtifacts(a, b artifact) int {
	return cmp.Or(
		cmp.Compare(a.module, b.module),
		semver.Compare(a.version, b.version),
		cmp.Compare(a.version, b.version),
		cmp.Compare(a.sha256, b.sha256),
	)
}

func (h *history) properties() []property {
	var all []property
	for _, value := range slices.Sorted(maps.Keys(h.verified)) {
		all = append(all, property{"breakwater:verified", value})
	}
	for _, value := range slices.Sorted(maps.Keys(h.origins)) {
		all = append(all, property{"breakwater:origin", value})
	}
	return all
}

// purl returns the package URL of a module version. The type's definition wants
// the path in lower case (package-url/purl-spec, types/golang-definition.json), so
// that two modules may share one: the component's name tells them apart. What is
// left of the version, as its leading "v", stays.
func purl(module, version string) string {
	segments := strings.Split(strings.ToLower(module), "/")
	for i, segment := range segments {
		segments[i] = percentEncode(segment)
	}
	s := "pkg:golang/" + strings.Join(segments, "/")
	if version != "" {
		s += "@" + percentEncode(version)
	}
	return s
}

// percentEncode encodes part of a purl: all but letters, digits, ".-_~" and ":"
// (ECMA-427, "Character encoding"). The "+" of "+incompatible" is not among them.
func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(".-_~:", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
