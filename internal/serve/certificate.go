package serve

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is read again when its files have changed: certificates are renewed while the process runs.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	now     *tls.Certificate
	stamp   [2]fileStamp // of the files that now was read from, or that could not be read
	checked time.Time
}

// fileStamp tells a file from what it was before.
type fileStamp struct {
	at   time.Time
	size int64
}

// checkEvery is how often the files are looked at, at most.
const checkEvery = time.Second

func newCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	c.stamp = c.look()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate %s and its key: %w", cert, err)
	}
	c.now, c.checked = &pair, time.Now()
	return c, nil
}

func (c *certificate) look() (stamp [2]fileStamp) {
	for i, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil {
			stamp[i] = fileStamp{info.ModTime(), info.Size()}
		}
	}
	return stamp
}

// get is tls.Config.GetCertificate. Files that cannot be read, or do not belong together, change nothing.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < checkEvery {
		return c.now, nil
	}
	c.checked = time.Now()
	stamp := c.look()
	if stamp == c.stamp {
		return c.now, nil
	}
	c.stamp = stamp
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		c.log.Warn("the certificate has changed and cannot be read; the one before is used", "file", c.cert, "error", err)
		return c.now, nil
	}
	c.now = &pair
	c.log.Info("the certificate was read again", "file", c.cert)
	return c.now, nil
}
