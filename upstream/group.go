package upstream

// A Group is an Upstream that asks other Upstreams. With lets [Wrap] put
// middleware around each source without knowing how the group works.
type Group interface {
	Upstream

	// Members returns the Upstreams that the group asks, in its order.
	Members() []Upstream

	// With returns a group that works like this one over the given members,
	// which take the places of those that Members returned. The receiver is
	// not changed.
	With(members []Upstream) Upstream
}

// Wrap rebuilds u with m around each of its sources: u itself, or if it is a
// [Group], the sources in its members, however deep.
func Wrap(u Upstream, m Middleware) Upstream {
	g, ok := u.(Group)
	if !ok {
		return m(u)
	}
	members := g.Members()
	wrapped := make([]Upstream, len(members))
	for i, member := range members {
		wrapped[i] = Wrap(member, m)
	}
	return g.With(wrapped)
}

// SourcesFor returns those of u's sources that req may be sent to: all, but for
// what [Routes] keeps from them.
func SourcesFor(u Upstream, req Request) []Upstream {
	if r, ok := u.(*routed); ok {
		return SourcesFor(r.route(req), req)
	}
	g, ok := u.(Group)
	if !ok {
		return []Upstream{u}
	}
	var all []Upstream
	for _, member := range g.Members() {
		all = append(all, SourcesFor(member, req)...)
	}
	return all
}

// ReachedFor returns those of [SourcesFor] that a request gets to that nobody answers,
// while some sources fail: where a list goes on only after "not found", what is behind
// one that fails is not asked.
func ReachedFor(u Upstream, req Request, fails func(source Upstream) bool) []Upstream {
	switch g := u.(type) {
	case *routed:
		return ReachedFor(g.route(req), req, fails)
	case *fallback:
		return g.reachedFor(req, fails)
	case Group:
		var all []Upstream
		for _, member := range g.Members() {
			all = append(all, ReachedFor(member, req, fails)...)
		}
		return all
	}
	return []Upstream{u}
}

// Sources returns u's sources, in order: u itself, or if it is a [Group], the
// sources in its members. Middleware around a source is part of it; middleware
// around a Group hides its members, so that the whole counts as one source.
func Sources(u Upstream) []Upstream {
	g, ok := u.(Group)
	if !ok {
		return []Upstream{u}
	}
	var all []Upstream
	for _, member := range g.Members() {
		all = append(all, Sources(member)...)
	}
	return all
}
