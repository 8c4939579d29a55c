package breaker

import "github.com/breakwater-go/breakwater/upstream"

// Load is how busy a source is in one lane, at one moment.
type Load struct {
	// Inside is how many calls are under way, each until its body is closed, and
	// Waiting how many wait for their turn. Where there is no limit neither is
	// counted: [upstream.Figures].InFlight tells how many there are.
	Inside, Waiting int

	// Limit is how many calls may be under way; of an adaptive one as it is now.
	// Negative: there is none. An adaptive limit that fell may be below Inside.
	Limit int
}

// LoadOf returns how busy a source behind [Limit] is in a lane; ok is false where
// there is no Limit. It takes the lane's lock for a moment and may be called by many
// goroutines at once.
func LoadOf(u upstream.Upstream, l upstream.Lane) (load Load, ok bool) {
	limited, ok := upstream.As[*limit](u)
	if !ok {
		return Load{}, false
	}
	return limited.lanes[l].load(), true
}

func (t *turnstile) load() Load {
	if t.limit < 0 {
		return Load{Limit: -1}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return Load{Inside: t.inside, Waiting: len(t.waiting), Limit: t.allowed()}
}
