package gateway

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is a TLS certificate in files, which are read again when they change. It is safe for use by many goroutines.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]fileState // of the files that current, or the last failure, was made of
	checked time.Time
}

// checkEvery is how often the files are looked at, while there are handshakes.
const checkEvery = time.Second

// LoadCertificate reads a certificate, with the chain that leads to it, and its key from PEM files.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	seen, err := c.look()
	if err != nil {
		return nil, fmt.Errorf("read TLS certificate: %w", err)
	}
	if err := c.read(seen); err != nil {
		return nil, err
	}
	return c, nil
}

// Config returns what a server needs: TLS 1.2 or later, with the certificate of the moment.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}
}

// get returns the certificate for one handshake. Files that changed but cannot be used are reported once, and the
// certificate before them goes on.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < checkEvery {
		return c.current, nil
	}
	c.checked = time.Now()
	seen, err := c.look()
	if err == nil && seen == c.seen {
		return c.current, nil
	}
	if err == nil {
		err = c.read(seen)
	}
	if err != nil {
		c.log.Error("TLS certificate not read again, the one before goes on", slog.String("cause", err.Error()))
	} else {
		c.log.Info("TLS certificate read again", slog.Time("valid_until", c.current.Leaf.NotAfter))
	}
	return c.current, nil
}

// read makes the certificate of the moment from the files.
func (c *Certificate) read(seen [2]fileState) error {
	c.seen = seen
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read TLS certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current = &pair
	return nil
}

// fileState tells whether a file has changed.
type fileState struct {
	modified time.Time
	size     int64
	mode     fs.FileMode
}

func (c *Certificate) look() (seen [2]fileState, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return seen, err
		}
		seen[i] = fileState{info.ModTime(), info.Size(), info.Mode()}
	}
	return seen, nil
}
