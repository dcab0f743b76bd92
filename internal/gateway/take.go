package gateway

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/tapline/tapline/internal/source/ingest"
)

// take takes the calls of a request: it answers once they are on disk, or says why they are not taken. What can be
// refused without the body is refused before it is read.
func (v *visit) take() *refusal {
	cred := authorization(v.r.Header.Get("Authorization"))
	if no := v.identify(cred); no != nil {
		return no
	}
	body, no := v.body()
	if no != nil {
		return no
	}
	info, reason := v.checker.Check(body)
	if reason != "" {
		return unreadable(reason)
	}
	if !v.known {
		if no := v.identifyBody(info.WriteKey, cred); no != nil {
			return no
		}
	}
	switch {
	case len(body) > MaxBatch:
		return refusedBatchSize
	case len(body) > MaxCall && !info.Batch:
		return refusedCallSize
	case len(body) > MaxCall && info.Repeated:
		return refusedRepeated
	case info.Calls > MaxEvents:
		return refusedEvents
	}
	spending, no := spend(v.bucket, info.Calls, v.arrived)
	if no != nil {
		return no
	}
	v.request = ingest.Request{Source: v.source.Nickname, Received: v.arrived, Body: body}
	if !info.Batch {
		v.request.Call = v.endpoint.call
	}
	v.events = info.Calls
	no = v.keep()
	if no != nil && spending != nil {
		spending.CancelAt(v.arrived)
	}
	return no
}

// identify finds out whose the request is, if its header says so.
func (v *visit) identify(cred credential) *refusal {
	if !cred.given {
		return nil
	}
	no := v.lookup(cred.hash)
	if no == refusedUnknownKey && cred.token {
		return nil // the key may be in the body
	}
	return no
}

// identifyBody finds out whose the request is by the key in its body.
func (v *visit) identifyBody(key []byte, cred credential) *refusal {
	switch {
	case len(key) > 0:
		return v.lookup(HashKey(key))
	case cred.given:
		return refusedUnknownKey
	}
	return refusedNoKey
}

// lookup finds the source of a key and refuses what it may not send here, or not now.
func (v *visit) lookup(hash KeyHash) *refusal {
	source, err := v.h.cfg.Keys.Lookup(hash)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return refusedUnknownKey
	case err != nil:
		return unavailable("keys_unavailable", "write keys cannot be checked now", 2*time.Second, err)
	}
	v.source, v.known = source, true
	here := v.h.cfg.Region
	switch {
	case source.Disabled:
		return refusedDisabled
	case source.Region != "" && here != "" && !strings.EqualFold(source.Region, here):
		return elsewhere(source.Region, here)
	}
	v.bucket = v.h.rates.bucket(hash)
	return spent(v.bucket, v.arrived)
}

// body reads the body and returns it as JSON, valid until the visit ends.
func (v *visit) body() ([]byte, *refusal) {
	if v.r.ContentLength > MaxRead {
		return nil, refusedFarTooLarge
	}
	switch strings.ToLower(v.r.Header.Get("Content-Encoding")) {
	case "", "identity", "gzip", "x-gzip":
	default:
		return nil, refusedEncoding
	}
	if no := v.readWire(); no != nil {
		return nil, no
	}
	v.read = true
	body := v.wire.bytes()
	if isGzip(body) {
		if no := whyUnread(inflate(&v.inflate, body)); no != nil {
			return nil, no
		}
		body = v.inflate.bytes()
	}
	return plain(body), nil
}

// readWire reads the body as it comes, to its end.
func (v *visit) readWire() *refusal {
	from := v.h.arrivals.arrive(v)
	defer v.h.arrivals.left(from)
	err := readBody(&v.wire, from)
	if errors.Is(err, os.ErrDeadlineExceeded) && v.h.arrivals.ended() {
		return refusedStopping
	}
	return whyUnread(err)
}

// whyUnread returns the refusal of a body that could not be read to its end.
func whyUnread(err error) *refusal {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLarge):
		return refusedBatchSize
	case errors.Is(err, errFarTooLarge):
		return refusedFarTooLarge
	case errors.Is(err, errBusy):
		return refusedBusy
	case errors.Is(err, errBadGzip):
		return refusedGzip
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusedSlow
	}
	return refusedCut
}

// keep hands the request to the Intake and answers.
func (v *visit) keep() *refusal {
	ctx, cancel := context.WithTimeout(v.r.Context(), v.h.cfg.AppendTimeout)
	defer cancel()
	if err := v.h.cfg.Intake.Append(ctx, &v.request); err != nil {
		return v.whyNotKept(err)
	}
	m := v.h.metrics
	m.events.Add(float64(v.events))
	m.wire.Add(float64(v.wire.n))
	m.bodies.Add(float64(len(v.request.Body)))
	v.reply(http.StatusOK, success)
	return nil
}

// whyNotKept returns the refusal of a request that the Intake did not take. The client may always send it again.
func (v *visit) whyNotKept(err error) *refusal {
	switch {
	case errors.Is(context.Cause(v.r.Context()), errStopping):
		return refusedStopping
	case v.r.Context().Err() != nil:
		return &refusal{status: statusGone, code: "client_gone", message: "the client did not wait", cause: err}
	case errors.Is(err, ingest.ErrFull):
		return unavailable("full", "there is no room to keep events now", 5*time.Second, err)
	}
	return unavailable("unavailable", "events cannot be kept now", 2*time.Second, err)
}
