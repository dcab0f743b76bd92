package outward_test

import (
	"testing"

	"github.com/tapline/tapline/internal/outward"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"127.0.0.1:443": false, "[::1]:443": false, "10.1.2.3:443": false, "192.168.1.1:443": false, "172.16.0.1:1": false,
		"169.254.169.254:80": false, "[fe80::1%eth0]:443": false, "[fd00::1]:443": false, "0.0.0.0:443": false, "[::]:443": false,
		"[::ffff:127.0.0.1]:443": false, "[::ffff:10.0.0.1]:443": false, "100.64.0.1:443": false, "224.0.0.1:443": false,
		"255.255.255.255:443": false, "[64:ff9b::7f00:1]:443": false, "[2002:7f00:1::]:443": false, "[::ffff:0:7f00:1]:443": false, "[::7f00:1]:443": false, "[::ffff:0.0.0.0]:443": false, "nonsense": false,
		"52.1.2.3:443": true, "[2600:1f18::1]:443": true,
	} {
		if err := outward.Check(address); (err == nil) != ok {
			t.Errorf("outward.Check(%s) = %v", address, err)
		}
	}
}
