//go:build unix

package readme_test

import (
	"errors"
	"strings"
	"sync"
	"time"
)

// A transcript is what a command prints while it runs. Its methods may be called
// by many goroutines at once.
type transcript struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed at the next Write
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	close(t.changed)
	t.changed = make(chan struct{})
	return len(p), nil
}

func (t *transcript) String() string {
	text, _ := t.read()
	return text
}

func (t *transcript) read() (text string, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String(), t.changed
}

// await waits until enough has been printed.
func (t *transcript) await(enough func(printed string) bool, ended <-chan struct{}) (printed string, err error) {
	late := time.After(patience)
	for {
		printed, changed := t.read()
		if enough(printed) {
			return printed, nil
		}
		select {
		case <-changed:
		case <-ended:
			return t.String(), errors.New("it has ended")
		case <-late:
			return printed, errors.New("it has not printed what is shown")
		}
	}
}
