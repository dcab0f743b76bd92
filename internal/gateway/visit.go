package gateway

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/tapline/tapline/internal/decode"
	"github.com/tapline/tapline/internal/source/ingest"
)

// visit is one request on its way through the door. It is used again for another.
type visit struct {
	h        *Handler
	w        http.ResponseWriter
	r        *http.Request
	control  *http.ResponseController
	endpoint endpoint
	arrived  time.Time // by the clock of Config
	began    time.Time // for durations
	id       string
	status   int

	source  Source
	known   bool // whose it is
	bucket  *rate.Limiter
	wire    buffer // as sent
	inflate buffer // what was within, if it was compressed
	read    bool   // the body, to its end
	checker *decode.Checker
	request ingest.Request
	events  int
}

func (v *visit) begin(w http.ResponseWriter, r *http.Request, e endpoint, arrived time.Time) {
	v.w, v.r, v.endpoint, v.arrived, v.began = w, r, e, arrived, time.Now()
	v.control = http.NewResponseController(w)
	v.wire.from, v.inflate.from = v.h.budget, v.h.budget
	v.id = v.h.ids.next()
	header := w.Header()
	header["X-Request-Id"] = []string{v.id}
	header["Content-Type"] = typeJSON
	header["X-Content-Type-Options"] = noSniff
}

// end gives back everything that the visit held.
func (v *visit) end() {
	v.wire.release()
	v.inflate.release()
	checker := v.checker
	h := v.h
	*v = visit{h: h, checker: checker}
	h.visits.Put(v)
}

// Values of headers, shared by all answers and never changed.
var (
	typeJSON = []string{"application/json"}
	noSniff  = []string{"nosniff"}
	success  = []byte(`{"success":true}`)
)

// reply sends an answer.
func (v *visit) reply(status int, body []byte) {
	v.status = status
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body) // who is gone needs no answer
	}
}

// answer is the body of a refusal.
type answer struct {
	Success   bool   `json:"success"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// refuse sends a refusal, and says in the log why.
func (v *visit) refuse(no *refusal) {
	v.h.metrics.refused.WithLabelValues(no.code).Inc()
	v.log(no)
	if no.after > 0 {
		seconds := strconv.Itoa(int(math.Max(1, math.Ceil(no.after.Seconds()))))
		v.w.Header().Set("Retry-After", seconds)
		if no.status == http.StatusTooManyRequests {
			v.w.Header().Set("X-RateLimit-Reset", seconds)
		}
	}
	if no.status == http.StatusUnauthorized {
		// Not Basic, though that is taken: browsers would ask the people who look at the page for a password.
		v.w.Header().Set("WWW-Authenticate", `Bearer realm="write key"`)
	}
	if !v.read {
		v.skipBody()
		v.h.arrivals.rest(v)
	}
	body, _ := json.Marshal(answer{Code: no.code, Message: no.message, RequestID: v.id})
	v.reply(no.status, body)
}

// serverSkips is how much of a body the server itself reads before an answer. It cuts off who sends more.
const serverSkips = 256 << 10

// skipBody reads a large body of which nothing was read: who is cut off while sending does not hear the answer.
func (v *visit) skipBody() {
	n := v.r.ContentLength
	if n <= serverSkips || n > MaxRead || v.wire.n > 0 || v.endpoint.kind != takes || v.r.Header.Get("Expect") != "" {
		return
	}
	from := v.h.arrivals.arrive(v)
	defer v.h.arrivals.left(from)
	_, _ = io.Copy(io.Discard, from) // who is slow or gone is cut off
}

// methodNotAllowed says which methods are.
func (v *visit) methodNotAllowed() *refusal {
	allow := "GET, HEAD"
	if v.endpoint.kind == takes {
		allow = "POST, OPTIONS"
	}
	v.w.Header().Set("Allow", allow)
	return refusedMethod
}
