package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// monitor asks external servers whether they sync before they acknowledge. They say so at their monitoring ports only.
type monitor struct {
	urls   []string
	client http.Client
}

// defaultMonitor is the port that monitoring has by custom.
const defaultMonitor = "8222"

func newMonitor(o *Options) *monitor {
	m := &monitor{urls: o.Monitors, client: http.Client{Timeout: 5 * time.Second}}
	if len(m.urls) > 0 {
		return m
	}
	for _, s := range o.URLs {
		if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
			m.urls = append(m.urls, "http://"+net.JoinHostPort(u.Hostname(), defaultMonitor))
		}
	}
	return m
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
			errs = append(errs, fmt.Errorf("at %s answers server %s", u, s.Name))
		case s.JetStream.Config != nil && s.JetStream.Config.SyncAlways:
			return nil
		default:
			return unsynced("server "+name, syncFix)
		}
	}
	return &SettingError{
		Where: "server " + name, Setting: "sync_interval", Has: "not known",
		Risk: "only its monitoring port tells whether what it acknowledges survives a loss of power (" + text(errors.Join(errs...)) + ")",
		Fix:  "give the monitoring URLs of all servers (http://host:8222), or say that they were checked and are to be trusted",
	}
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
		return nil, fmt.Errorf("%s answers %s", base, res.Status)
	}
	var s served
	const limit = 8 << 20
	if err := json.NewDecoder(io.LimitReader(res.Body, limit)).Decode(&s); err != nil {
		return nil, fmt.Errorf("%s does not answer as a server does: %w", base, err)
	}
	return &s, nil
}
