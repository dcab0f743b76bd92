package registry_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/localpg"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/migrations"
)

// until polls, because nothing tells a test that a keyring has read.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 12_000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited two minutes until %s", what)
}

// Run hears of what others change.
func TestRunHears(t *testing.T) {
	t.Parallel()
	r, pool := open(t)
	add(t, r, "Web", registry.Settings{})
	k := keyring(t, pool, registry.KeyringOptions{Every: 5 * time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.Run(ctx); close(done) }()
	key, secret := createKey(t, r, "Web", "")
	until(t, "the new key works", func() bool { _, err := lookup(k, secret); return err == nil })
	if _, err := r.RevokeKey(t.Context(), "Web", key.ID); err != nil {
		t.Fatal(err)
	}
	until(t, "the revoked key does not", func() bool { _, err := lookup(k, secret); return errors.Is(err, gateway.ErrUnknownKey) })
	stop()
	<-done
	if s, ok := k.Source("Web"); !ok || s.Schema != "web" {
		t.Errorf("source %+v, %v", s, ok)
	}
	if all, keys := k.Sources(); len(all) != 1 || keys["Web"] != 0 {
		t.Errorf("sources %v, keys %v", all, keys)
	}
}

// Keys go on working while Postgres is away, and with a file also after a restart. A key that nobody knows may be new
// then: it is not refused for good.
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, nil)
	pool := pgtest.PoolAt(t, server.DSN(localpg.Database))
	if err := migrations.Control(t.Context(), pool.Config().ConnConfig, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	r := registry.New(pool, "")
	add(t, r, "Web", registry.Settings{Region: "eu"})
	_, secret := createKey(t, r, "Web", "")
	file := filepath.Join(t.TempDir(), "keys.json")
	now := time.Now()
	opt := registry.KeyringOptions{File: file, Now: func() time.Time { return now }}
	k := keyring(t, pool, opt)
	refresh(t, k)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), secret) {
		t.Errorf("the file has the key (%v)", err)
	}
	if err := server.Stop(t.Context(), localpg.Fast); err != nil {
		t.Fatal(err)
	}
	if err := k.Refresh(t.Context()); err == nil {
		t.Error("no error without Postgres")
	}
	if _, err := lookup(k, "nobody"); !errors.Is(err, gateway.ErrUnknownKey) {
		t.Errorf("an unknown key, soon after: %v", err)
	}
	now = now.Add(time.Hour)
	restarted := keyring(t, pool, opt)
	for name, k := range map[string]*registry.Keyring{"before": k, "restarted": restarted} {
		if s, err := lookup(k, secret); err != nil || s != (gateway.Source{Nickname: "Web", Region: "eu"}) || k.Ready() != nil {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if _, err := lookup(k, "nobody"); err == nil || errors.Is(err, gateway.ErrUnknownKey) {
			t.Errorf("%s, an unknown key: %v", name, err)
		}
	}
	if _, err := lookup(keyring(t, pool, registry.KeyringOptions{}), secret); !errors.Is(err, registry.ErrNothingRead) {
		t.Errorf("without a file: %v", err)
	}
	// A file that cannot be read as one is as none.
	if err := os.WriteFile(file, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keyring(t, pool, opt).Ready(); err == nil {
		t.Error("half a file is taken")
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	refresh(t, restarted)
	if err := restarted.NoteUses(t.Context()); err != nil {
		t.Error(err)
	}
}
