package sink

import "sync"

// holding keeps requests waiting from some number on.
type holding struct {
	mu      sync.Mutex
	left    int
	held    int
	release chan struct{}
}

func (h *holding) start(after int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left, h.held, h.release = after, 0, make(chan struct{})
}

// judge is a Sink.Judge.
func (h *holding) judge(*Request) *Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left--; h.left >= 0 {
		return nil
	}
	h.held++
	return &Answer{Until: h.release, Take: true}
}

func (h *holding) waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.held
}

func (h *holding) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.release != nil {
		close(h.release)
		h.release = nil
	}
}
