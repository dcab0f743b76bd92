package registry_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/gateway"
	"github.com/tapline/tapline/internal/pgtest"
	"github.com/tapline/tapline/internal/registry"
	"github.com/tapline/tapline/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open returns a registry of an empty database.
func open(t *testing.T) (*registry.Registry, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.Pool(t)
	if err := migrations.Control(t.Context(), pool.Config().ConnConfig, migrations.Options{}); err != nil {
		t.Fatal(err)
	}
	return registry.New(pool, "tester@here"), pool
}

func add(t *testing.T, r *registry.Registry, nickname string, set registry.Settings) *registry.Source {
	t.Helper()
	s, _, err := r.Add(t.Context(), nickname, "", set)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func createKey(t *testing.T, r *registry.Registry, nickname, label string) (*registry.Key, string) {
	t.Helper()
	k, secret, err := r.CreateKey(t.Context(), nickname, label)
	if err != nil {
		t.Fatal(err)
	}
	return k, secret
}

func keyring(t *testing.T, pool *pgxpool.Pool, o registry.KeyringOptions) *registry.Keyring {
	t.Helper()
	k, err := registry.OpenKeyring(pool, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func refresh(t *testing.T, k *registry.Keyring) {
	t.Helper()
	if err := k.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func lookup(k *registry.Keyring, secret string) (gateway.Source, error) {
	return k.Lookup(gateway.HashKey([]byte(secret)))
}

func conflict(t *testing.T, err error, part string) {
	t.Helper()
	var c *registry.ConflictError
	if !errors.As(err, &c) || !strings.Contains(err.Error(), part) {
		t.Errorf("got %v, want a conflict that says %q", err, part)
	}
}

func missing(t *testing.T, err error) {
	t.Helper()
	var e *registry.NotFoundError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want not found", err)
	}
}

// actions are what the audit table says of a source.
func actions(t *testing.T, pool *pgxpool.Pool, nickname string) string {
	t.Helper()
	return pgtest.Value[string](t, pool, "select coalesce(string_agg(action, ' ' order by id), '') from tapline.audit where source = '"+nickname+"'")
}

func TestSources(t *testing.T) {
	t.Parallel()
	r, pool := open(t)
	ctx := t.Context()
	set := registry.Settings{Region: "eu", UserIdentity: "email", Timezone: "Asia/Kolkata"}
	s, created, err := r.Add(ctx, "CleverTap_Prod", "", set)
	if err != nil || !created || s.Schema != "clevertap_prod" || s.Settings != set || !s.Enabled() || s.Kind != "clevertap" {
		t.Fatalf("got %+v, %v, %v", s, created, err)
	}
	if got := pgtest.Value[string](t, pool, "select settings->>'region' from tapline.sources"); got != "eu" {
		t.Errorf("region for others: %q", got)
	}
	// Again, with one setting more.
	s, created, err = r.Add(ctx, "CleverTap_Prod", "", registry.Settings{Account: "A1"})
	set.Account = "A1"
	if err != nil || created || s.Settings != set {
		t.Errorf("again: %+v, %v, %v", s, created, err)
	}
	_, _, err = r.Add(ctx, "CleverTap_Prod", "", registry.Settings{Region: "us"})
	conflict(t, err, "its region is eu, not us")
	var owned *migrations.OwnedError
	if _, _, err = r.Add(ctx, "CleverTap-Prod", "", registry.Settings{}); !errors.As(err, &owned) {
		t.Errorf("another source's schema: %v", err)
	}
	if _, _, err = r.Add(ctx, "CleverTap_Prod", "other", registry.Settings{}); !errors.As(err, &owned) {
		t.Errorf("another schema: %v", err)
	}
	var setting *config.Error
	for _, bad := range []registry.Settings{{Region: "EU!"}, {Timezone: "IST5"}, {UserIdentity: "name"}, {Timezone: "Local"}} {
		if _, _, err := r.Add(ctx, "Bad", "", bad); !errors.As(err, &setting) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if s, err = r.Set(ctx, "CleverTap_Prod", registry.Settings{Region: "us"}); err != nil || s.Settings.Region != "us" || s.Settings.Account != "A1" {
		t.Errorf("set: %+v, %v", s, err)
	}
	for range 2 {
		if err := r.Disable(ctx, "CleverTap_Prod"); err != nil {
			t.Error(err)
		}
	}
	if s, err = r.Get(ctx, "CleverTap_Prod"); err != nil || s.Enabled() {
		t.Errorf("disabled: %+v, %v", s, err)
	}
	if err := r.Enable(ctx, "CleverTap_Prod"); err != nil {
		t.Error(err)
	}
	createKey(t, r, "CleverTap_Prod", "")
	if err := r.Remove(ctx, "CleverTap_Prod"); err != nil {
		t.Error(err)
	}
	if all, err := r.List(ctx); err != nil || len(all) > 0 {
		t.Errorf("after remove: %v, %v", all, err)
	}
	for _, err := range []error{r.Disable(ctx, "x"), r.Remove(ctx, "x"), errOf(r.Get(ctx, "x")), errOf(r.Set(ctx, "x", set))} {
		missing(t, err)
	}
	want := "source.add source.set source.set source.disable source.enable key.create source.remove"
	if got := actions(t, pool, "CleverTap_Prod"); got != want {
		t.Errorf("audit: %s, want %s", got, want)
	}
	if got := pgtest.Value[bool](t, pool, "select bool_and(actor = 'tester@here' and role = session_user) from tapline.audit"); !got {
		t.Error("the audit does not say who")
	}
}

func errOf[T any](_ T, err error) error { return err }

// A database that Tapline has never seen has no sources, which is no error.
func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	if all, err := registry.New(pgtest.Pool(t), "").List(t.Context()); err != nil || all != nil {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestAuditOnlyGrows(t *testing.T) {
	t.Parallel()
	r, pool := open(t)
	add(t, r, "Web", registry.Settings{})
	for _, sql := range []string{"update tapline.audit set actor = 'x'", "delete from tapline.audit", "truncate tapline.audit"} {
		if _, err := pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: no error", sql)
		}
	}
}

// A source with a destination keeps its region and stays, and may be renamed.
func TestDestinationsOfSource(t *testing.T) {
	t.Parallel()
	r, pool := open(t)
	add(t, r, "Web", registry.Settings{Region: "us"})
	pgtest.Exec(t, pool, `insert into tapline.destinations (name, source, endpoint, region, key_from) values ('seg', 'Web', 'https://x', 'us', 'env:X')`)
	_, err := r.Set(t.Context(), "Web", registry.Settings{Region: "eu"})
	conflict(t, err, "destination seg is in region us")
	conflict(t, r.Remove(t.Context(), "Web"), "destination seg")
	createKey(t, r, "Web", "")
	pgtest.Exec(t, pool, "update tapline.sources set nickname = 'Shop'")
	if got := pgtest.Value[string](t, pool, "select d.source || k.source from tapline.destinations d, tapline.write_keys k"); got != "ShopShop" {
		t.Errorf("after a rename: %s", got)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	r, pool := open(t)
	ctx := t.Context()
	add(t, r, "Web", registry.Settings{Region: "eu"})
	first, secret := createKey(t, r, "Web", "the shop")
	if len(secret) < 43 || !strings.HasPrefix(secret, first.Hint) || first.Label != "the shop" || registry.CheckSecret(secret) != nil {
		t.Errorf("key %+v", first)
	}
	second, other := createKey(t, r, "Web", "")
	_, _, err := r.CreateKey(ctx, "Web", "")
	conflict(t, err, "2 active keys")
	_, _, err = r.CreateKey(ctx, "x", "")
	missing(t, err)

	k := keyring(t, pool, registry.KeyringOptions{})
	if _, err := lookup(k, secret); !errors.Is(err, registry.ErrNothingRead) || k.Ready() == nil {
		t.Errorf("before anything was read: %v", err)
	}
	refresh(t, k)
	for _, s := range []string{secret, other} {
		if got, err := lookup(k, s); err != nil || got != (gateway.Source{Nickname: "Web", Region: "eu"}) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if _, err := lookup(k, secret+"x"); !errors.Is(err, gateway.ErrUnknownKey) {
		t.Errorf("an unknown key: %v", err)
	}
	if err := r.Disable(ctx, "Web"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.RevokeKey(ctx, "Web", second.Hint); err != nil {
		t.Fatal(err)
	}
	refresh(t, k)
	if got, err := lookup(k, secret); err != nil || !got.Disabled {
		t.Errorf("of a disabled source: %+v, %v", got, err)
	}
	if _, err := lookup(k, other); !errors.Is(err, gateway.ErrUnknownKey) {
		t.Errorf("a revoked key: %v", err)
	}
	_, err = r.RevokeKey(ctx, "Web", "key_x")
	missing(t, err)
	if err := k.NoteUses(ctx); err != nil {
		t.Fatal(err)
	}
	keys, err := r.ListKeys(ctx, "Web")
	if err != nil || len(keys) != 2 || keys[0].ID != first.ID || keys[0].LastSeenAt == nil || !keys[0].Active() || keys[1].Active() {
		t.Errorf("list: %+v, %v", keys, err)
	}
	// The key itself is nowhere in the database.
	all := pgtest.Value[string](t, pool, "select concat((select json_agg(k) from tapline.write_keys k), (select json_agg(a) from tapline.audit a))")
	if strings.Contains(all, secret[len(first.Hint):]) {
		t.Error("the key is in the database")
	}
}

// At most two active keys, however many ask at once.
func TestKeysSideBySide(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	add(t, r, "Web", registry.Settings{})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { _, _, _ = r.CreateKey(t.Context(), "Web", "") })
	}
	wg.Wait()
	if keys, err := r.ListKeys(t.Context(), "Web"); err != nil || len(keys) != registry.MaxKeys {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for secret, ok := range map[string]bool{
		"short": false, "0123456789abcdef": true, "0123456789abcde:f": false, "0123456789 abcdef": false, "0123456789äbcdef": false,
		strings.Repeat("a", 129): false, registry.NewSecret(): true,
	} {
		err := registry.CheckSecret(secret)
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

func TestDeclare(t *testing.T) {
	t.Parallel()
	r, pool := open(t)
	ctx := t.Context()
	k := keyring(t, pool, registry.KeyringOptions{})
	a, b, c := registry.NewSecret(), "declared-key-of-the-shop", registry.NewSecret()
	works := func(want ...bool) {
		t.Helper()
		refresh(t, k)
		var got []bool
		for _, secret := range []string{a, b, c} {
			_, err := lookup(k, secret)
			got = append(got, err == nil)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keys -want +got:\n%s", diff)
		}
	}
	declare := func(d registry.Declared) {
		t.Helper()
		if err := r.Declare(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	d := registry.Declared{Nickname: "Web", Settings: registry.Settings{Region: "eu", Timezone: "UTC"}, Keys: []string{a, b}}
	declare(d)
	works(true, true, false)
	declare(d) // changes nothing
	d.Keys = []string{b, c}
	d.Settings.Timezone = "Asia/Kolkata"
	declare(d)
	works(false, true, true)
	declare(registry.Declared{Nickname: "Web"}) // says nothing
	works(false, true, true)

	d.Keys = []string{a, b}
	conflict(t, r.Declare(ctx, d), "was revoked")
	d.Keys = []string{b, c, registry.NewSecret()}
	conflict(t, r.Declare(ctx, d), "2 active keys")
	d.Keys = []string{"short"}
	conflict(t, r.Declare(ctx, d), "16 to 128")
	conflict(t, r.Declare(ctx, registry.Declared{Nickname: "Shop", Keys: []string{b}}), "one of source Web")
	conflict(t, r.Declare(ctx, registry.Declared{Nickname: "Web", Settings: registry.Settings{Region: "us"}}), "its region is eu")
	var owned *migrations.OwnedError
	if err := r.Declare(ctx, registry.Declared{Nickname: "Web", Schema: "other"}); !errors.As(err, &owned) {
		t.Errorf("another schema: %v", err)
	}
	works(false, true, true)
	missing(t, errOf(r.Get(ctx, "Shop"))) // nothing of what contradicts is done

	yes := true
	declare(registry.Declared{Nickname: "Web", Disabled: &yes, Keys: []string{}})
	works(false, false, false)
	s, err := r.Get(ctx, "Web")
	if err != nil || s.Enabled() || s.Settings.Timezone != "Asia/Kolkata" {
		t.Errorf("in the end: %+v, %v", s, err)
	}
	want := "source.add key.create key.create source.set key.revoke key.create source.disable key.revoke key.revoke"
	if got := actions(t, pool, "Web"); got != want {
		t.Errorf("audit: %s", got)
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	r, pool := open(t)
	ctx := t.Context()
	add(t, r, "Web", registry.Settings{})
	pauses := func() map[string]registry.Pause {
		t.Helper()
		p, err := registry.Pauses(ctx, pool)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	set := func(ctx context.Context, name, reason string) {
		t.Helper()
		if err := registry.SetPaused(ctx, pool, name, reason); err != nil {
			t.Fatal(err)
		}
	}
	set(ctx, "Web", "")
	set(ctx, "Nobody", "unknown")
	if p := pauses(); len(p) > 0 {
		t.Errorf("paused: %v", p)
	}
	set(ctx, "Web", "no right")
	since := pauses()["Web"].Since
	set(ctx, "Web", "still no right")
	if p := pauses()["Web"]; p.Reason != "still no right" || !p.Since.Equal(since) || !strings.Contains(p.Worker, "process") {
		t.Errorf("paused: %+v", p)
	}
	set(ctx, "Web", "")
	if p := pauses(); len(p) > 0 {
		t.Errorf("still paused: %v", p)
	}
}

// Keys that begin alike are revoked by their ids: a revoked key cannot be had back.
func TestRevokeByAmbiguousHint(t *testing.T) {
	t.Parallel()
	r, _ := open(t)
	declared := registry.Declared{Nickname: "Web", Keys: []string{"shop-key-0123456789", "shop-key-9876543210"}}
	if err := r.Declare(t.Context(), declared); err != nil {
		t.Fatal(err)
	}
	_, err := r.RevokeKey(t.Context(), "Web", "shop")
	conflict(t, err, "2 active keys begin with shop")
	keys, err := r.ListKeys(t.Context(), "Web")
	if err != nil || len(keys) != 2 || !keys[0].Active() || !keys[1].Active() {
		t.Fatalf("keys %+v, %v", keys, err)
	}
	if _, err := r.RevokeKey(t.Context(), "Web", keys[0].ID); err != nil {
		t.Fatal(err)
	}
	k, err := r.RevokeKey(t.Context(), "Web", "shop")
	if err != nil || k.ID != keys[1].ID {
		t.Errorf("the only one that is left: %+v, %v", k, err)
	}
}
