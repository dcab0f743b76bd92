package gateway

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tapline/tapline/internal/source/ingest"
)

// Ready returns nil while requests would most likely be taken, else why not.
func (h *Handler) Ready() error {
	if h.stopping.Load() {
		return errStopping
	}
	return errors.Join(h.cfg.Keys.Ready(), h.cfg.Intake.Ready())
}

var errStopping = errors.New("this server is about to stop")

// readiness is the answer to whoever asks whether to send requests here.
type readiness struct {
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`
}

// ready answers without details: anybody may ask.
func (v *visit) ready() {
	err := v.h.Ready()
	status, say := http.StatusOK, readiness{Ready: err == nil}
	if err != nil {
		status, say.Reason = http.StatusServiceUnavailable, "not ready"
		for _, known := range []error{errStopping, ingest.ErrFull, ingest.ErrUnavailable} {
			if errors.Is(err, known) {
				say.Reason = known.Error()
			}
		}
		v.w.Header().Set("Retry-After", "1")
	}
	body, _ := json.Marshal(say)
	v.reply(status, body)
}
