package gateway

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tapline/tapline/schema"
)

// refusal is an answer other than 200.
type refusal struct {
	status  int
	code    string        // one word, for programs
	message string        // one sentence, for people
	after   time.Duration // when to come again; 0: the same request need not be sent again
	cause   error         // for the log only
}

// The refusals that say the same to everybody.
var (
	refusedNoKey = &refusal{
		status: http.StatusUnauthorized, code: "no_key",
		message: "no write key: give it as the user name of Basic authorization, as Bearer token, or as writeKey in the body",
	}
	refusedUnknownKey = &refusal{
		status: http.StatusUnauthorized, code: "unknown_key",
		message: "the write key is unknown or was revoked",
	}
	refusedDisabled = &refusal{
		status: http.StatusForbidden, code: "source_disabled",
		message: "the source of this write key is disabled",
	}
	refusedFarTooLarge = &refusal{
		status: http.StatusRequestEntityTooLarge, code: string(schema.EventTooLarge),
		message: fmt.Sprintf("the body is far over the limit of %d bytes", MaxBatch),
	}
	refusedBatchSize = &refusal{
		status: http.StatusBadRequest, code: string(schema.EventTooLarge),
		message: fmt.Sprintf("the body has more than %d bytes", MaxBatch),
	}
	refusedCallSize = &refusal{
		status: http.StatusBadRequest, code: string(schema.EventTooLarge),
		message: fmt.Sprintf("a call that is no batch has at most %d bytes", MaxCall),
	}
	refusedEvents = &refusal{
		status: http.StatusBadRequest, code: "too_many_events",
		message: fmt.Sprintf("a batch has at most %d events", MaxEvents),
	}
	refusedRepeated = &refusal{
		status: http.StatusBadRequest, code: string(schema.DuplicateKey),
		message: "a key of the batch itself is repeated",
	}
	refusedGzip = &refusal{
		status: http.StatusBadRequest, code: "invalid_gzip",
		message: "the body is not one whole gzip stream",
	}
	refusedEncoding = &refusal{
		status: http.StatusUnsupportedMediaType, code: "unsupported_encoding",
		message: "the body may be compressed with gzip only",
	}
	refusedSlow = &refusal{
		status: http.StatusRequestTimeout, code: "body_timeout",
		message: "the body did not arrive in time",
	}
	refusedCut = &refusal{
		status: http.StatusBadRequest, code: "body_cut",
		message: "the body ended before its end",
	}
	refusedMethod = &refusal{
		status: http.StatusMethodNotAllowed, code: "method_not_allowed",
		message: "this path takes other methods only: see Allow",
	}
	refusedPath = &refusal{
		status: http.StatusNotFound, code: "not_found",
		message: "there is nothing at this path",
	}
	refusedBusy = &refusal{
		status: http.StatusServiceUnavailable, code: "overloaded", after: time.Second,
		message: "too many requests at once",
	}
	refusedStopping = &refusal{
		status: http.StatusServiceUnavailable, code: "stopping", after: time.Second,
		message: "this server is about to stop, and the request was not done in time",
	}
)

// statusGone is the status, for logs and metrics alone, of a request whose client did not wait for the answer.
const statusGone = 499

// unreadable is the refusal of a body that is no JSON object.
func unreadable(reason schema.Reason) *refusal {
	message := "the body is not valid JSON"
	switch reason {
	case schema.InvalidUTF8:
		message = "the body is not valid UTF-8"
	case schema.NotAnObject:
		message = "the body is JSON, but not an object"
	}
	return &refusal{status: http.StatusBadRequest, code: string(reason), message: message}
}

// elsewhere is the refusal of a source of another region.
func elsewhere(source, here string) *refusal {
	return &refusal{
		status: http.StatusForbidden, code: "wrong_region",
		message: fmt.Sprintf("the source of this write key is of region %q, this host is of region %q: "+
			"send to a host of the source's region", source, here),
	}
}

// unavailable is the refusal of a request that may be taken later.
func unavailable(code, message string, after time.Duration, cause error) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: code, message: message, after: after, cause: cause}
}
