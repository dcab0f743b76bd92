package federate

import (
	"net/http"

	"github.com/tapline/tapline/internal/outward"
)

// AddressError says that the name of an endpoint leads to an address that nothing is sent to.
type AddressError = outward.AddressError

// newHTTP returns the HTTP connections of a destination.
func newHTTP(d *Destination, parallel int) *http.Transport {
	return outward.Transport(d.Settings.AllowPrivate, parallel)
}
