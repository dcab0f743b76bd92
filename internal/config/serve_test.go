package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/config"
)

func TestServe(t *testing.T) {
	t.Parallel()
	f := parse(t, "serve: {listen: ':80', nats: 'nats://n1:4222', load_every: 2s, load_bytes: 1MiB, region: eu}")
	s := config.Serve{Region: "us"}
	s.Fill(f.Serve)
	v, err := s.Validate()
	if err != nil || s.Listen != ":80" || s.AdminListen != config.DefaultAdminListen || s.Region != "us" || len(s.NATS) != 1 ||
		v.LoadEvery != 2*time.Second || v.LoadBytes != 1<<20 {
		t.Errorf("got %+v, %+v, %v", s, v, err)
	}
	var setting *config.Error
	for want, bad := range map[string]config.Serve{
		"--listen":            {Listen: "8480"},
		"--admin-listen":      {AdminListen: "localhost:http:1"},
		"--region":            {Region: "E U"},
		"--tls-cert":          {TLSKey: "key.pem"},
		"--nats":              {NATSTrustSync: true},
		"--nats-monitor":      {NATS: []string{"nats://a:1"}, NATSMonitors: []string{"nats://a:1"}},
		"--nats-creds":        {NATS: []string{"nats://a:1"}, NATSCreds: "a", NATSNKey: "b"},
		"--nats-cert":         {NATS: []string{"tls://a:1"}, NATSCert: "a"},
		"--nats-replicas":     {NATS: []string{"nats://a:1"}, NATSReplicas: 7},
		"--public-url":        {PublicURL: "example.com"},
		"--load-every":        {LoadEvery: "5"},
		"--load-bytes":        {LoadBytes: "1"},
		"--stream-max-bytes":  {StreamMaxBytes: "1k"},
		"--events-per-second": {EventsPerSecond: -1},
		"--burst":             {Burst: 5},
	} {
		bad.Fill(config.Serve{})
		if _, err := bad.Validate(); !errors.As(err, &setting) || setting.Setting != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, err = config.ParseFile("f.yaml", []byte("serve:\n  load_every: often"))
	if err == nil || !strings.HasPrefix(err.Error(), `f.yaml:2:3: load_every "often": no time`) {
		t.Errorf("in the file: %v", err)
	}
}

// Keys come from the environment or from files, and a key in the configuration itself is refused without being shown.
func TestWriteKeysOfFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tapline.yaml")
	for name, text := range map[string]string{
		path:                       "sources: {Web: {region: eu, disabled: true, write_keys: ['env:KEY', 'file:next', 'env:EMPTY', 'file:none']}}",
		filepath.Join(dir, "next"): "the next key\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := config.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	web := f.Sources["Web"]
	if web.Region != "eu" || web.Disabled == nil || !*web.Disabled {
		t.Errorf("source %+v", web)
	}
	block := parse(t, "sources:\n  Web:\n    write_keys:\n    - env:A\n    - file:/b")
	if got := block.Sources["Web"].WriteKeys; len(got) != 2 || got[0] != "env:A" {
		t.Errorf("as a list of lines: %q", got)
	}
	env := func(name string) string { return map[string]string{"KEY": "the key"}[name] }
	for i, want := range []string{"the key", "the next key", "", ""} {
		got, err := f.Secret(web.WriteKeys[i], env)
		if got != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), web.WriteKeys[i]) {
			t.Errorf("%s: got %q, %v", web.WriteKeys[i], got, err)
		}
	}
	for text, want := range map[string]string{
		"sources: {Web: {write_keys: [hunter2hunter2hunter2]}}": "no reference",
		"sources: {Web: {region: Europe!}}":                     "no name of a region",
	} {
		_, err := config.ParseFile("f.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
