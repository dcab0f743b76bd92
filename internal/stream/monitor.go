package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// monitor asks external servers whether they sync before they acknowledge. They say so at their monitoring ports only.
type monitor struct {
	urls   []string
	client http.Client

	mu     sync.Mutex
	synced map[string]bool // servers by name, as they said last
}

// defaultMonitor is the port that monitoring has by custom.
const defaultMonitor = "8222"

func newMonitor(o *Options) (*monitor, error) {
	m := &monitor{urls: o.Monitors, client: http.Client{Timeout: 5 * time.Second}, synced: map[string]bool{}}
	if o.CA != "" {
		authorities, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("read the certificates to trust: %w", err)
		}
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(authorities) // connecting has found one in it
		m.client.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
		}
	}
	if len(m.urls) > 0 {
		return m, nil
	}
	for _, s := range o.URLs {
		if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
			m.urls = append(m.urls, "http://"+net.JoinHostPort(u.Hostname(), defaultMonitor))
		}
	}
	return m, nil
}

// knows reports whether a server has said that it syncs when it was asked last.
func (m *monitor) knows(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.synced[name]
}

func (m *monitor) note(name string, synced bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.synced[name] = synced
}

// served is what a server says of itself.
type served struct {
	ID        string `json:"server_id"`
	Name      string `json:"server_name"`
	JetStream struct {
		Config *struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	} `json:"jetstream"`
}

const syncFix = "set  jetstream { sync_interval: always }  in its configuration and start it again"

func unsynced(where, fix string) *SettingError {
	return &SettingError{
		Where: where, Setting: "sync_interval", Has: "other than always",
		Risk: "what it acknowledged is lost when the power fails", Fix: fix,
	}
}

// server checks that the server with this id, or of this name if its id is not known, syncs.
func (m *monitor) server(ctx context.Context, id, name string) error {
	var errs []error
	for _, u := range m.urls {
		s, err := m.ask(ctx, u)
		switch {
		case err != nil:
			errs = append(errs, err)
		case id != "" && s.ID != id, id == "" && s.Name != name:
			errs = append(errs, fmt.Errorf("at %s answers server %s", redacted(u), s.Name))
		case s.JetStream.Config != nil && s.JetStream.Config.SyncAlways:
			m.note(s.Name, true)
			return nil
		default:
			m.note(s.Name, false)
			return unsynced("server "+name, syncFix)
		}
	}
	if m.knows(name) { // it is away, or only its monitoring port: it cannot have changed without a new start, after which it is asked
		return nil
	}
	return &SettingError{
		Where: "server " + name, Setting: "sync_interval", Has: "not known",
		Risk: "only its monitoring port tells whether what it acknowledges survives a loss of power (" + text(errors.Join(errs...)) + ")",
		Fix:  "give the monitoring URLs of all servers (http://host:8222), or say that they were checked and are to be trusted",
	}
}

// redacted is a URL without what it signs in with: a token stands where a user does.
func redacted(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "a URL"
	}
	u.User = nil
	return u.String()
}

func text(err error) string {
	if err == nil {
		return "no URL of one is given"
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

func (m *monitor) ask(ctx context.Context, base string) (*served, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/varz", nil)
	if err != nil {
		return nil, fmt.Errorf("monitoring URL: %w", err)
	}
	res, err := m.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", redacted(base), res.Status)
	}
	var s served
	const limit = 8 << 20
	if err := json.NewDecoder(io.LimitReader(res.Body, limit)).Decode(&s); err != nil {
		return nil, fmt.Errorf("%s does not answer as a server does: %w", redacted(base), err)
	}
	return &s, nil
}
