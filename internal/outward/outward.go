// Package outward makes HTTP connections to where a configuration says: to public addresses alone, unless it says otherwise.
package outward

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// AddressError says that the name of an endpoint leads to an address that nothing is sent to.
type AddressError struct{ Address string }

// Error says which, and how it is allowed.
func (e *AddressError) Error() string {
	return fmt.Sprintf("the endpoint leads to %s, an address of this machine or of a private network: such are refused unless private addresses are allowed for it (allow_private)", e.Address)
}

// Transport returns connections to one endpoint, as many at a time as are used in parallel. Its error is an *AddressError
// if the endpoint leads to an address that is not public and private is not set. There is no proxy: what it would connect
// to cannot be checked. Redirects are the caller's to refuse.
func Transport(private bool, parallel int) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !private {
		// The address that is dialled is the one to judge: a name may lead elsewhere the next moment.
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return Check(address)
		}
	}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		MaxIdleConns: parallel, MaxIdleConnsPerHost: parallel, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, MaxResponseHeaderBytes: 64 << 10,
	}
}

// refusedNetworks are those that netip has no word for.
func refusedNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
		// These hold addresses of the other kind, which a gateway would go on to.
		netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("::ffff:0:0:0/96"), netip.MustParsePrefix("192.88.99.0/24"),
		netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
	}
}

// Check refuses a resolved address that is not one of the public network.
func Check(address string) error {
	host, err := netip.ParseAddrPort(address)
	if err != nil {
		return &AddressError{address}
	}
	ip := host.Addr().Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return &AddressError{ip.String()}
	}
	for _, n := range refusedNetworks() {
		if n.Contains(ip) {
			return &AddressError{ip.String()}
		}
	}
	return nil
}
