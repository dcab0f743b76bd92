package gateway

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// quiet lets one line a second through of each code: a flood of refusals must not become one of lines.
type quiet struct {
	codes sync.Map // string -> *rate.Sometimes
}

func (q *quiet) do(code string, f func()) {
	s, ok := q.codes.Load(code)
	if !ok {
		s, _ = q.codes.LoadOrStore(code, &rate.Sometimes{First: 1, Interval: time.Second})
	}
	s.(*rate.Sometimes).Do(f)
}

// log says that a request was refused and why, without its body and keys. Metrics have the number.
func (v *visit) log(no *refusal) {
	level := slog.LevelInfo
	if no.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	v.h.quiet.do(no.code, func() {
		attrs := []slog.Attr{
			slog.String("request", v.id), slog.String("endpoint", v.endpoint.name),
			slog.Int("status", no.status), slog.String("code", no.code),
			slog.String("source", v.source.Nickname), slog.Int("bytes", v.wire.n), slog.String("from", v.r.RemoteAddr),
		}
		if no.cause != nil {
			attrs = append(attrs, slog.String("cause", no.cause.Error()))
		}
		v.h.cfg.Log.LogAttrs(v.r.Context(), level, "request refused", attrs...)
	})
}
