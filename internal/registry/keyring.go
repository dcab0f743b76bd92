package registry

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tapline/tapline/internal/gateway"
)

// KeyringOptions are those of OpenKeyring. The zero value works.
type KeyringOptions struct {
	// File keeps what was read last, digests only, for a start while Postgres is away. Empty means that nothing is kept.
	File string
	// Every is how often Postgres is asked. Defaults to 2 s.
	Every time.Duration
	// Timeout is how long one question may take. Defaults to 10 s.
	Timeout time.Duration
	// Stale is how old the last answer may be for an unknown key to be refused for good; after that clients are asked to
	// come again, since the key may be new. Defaults to 30 s.
	Stale time.Duration
	// Logger defaults to one that drops all.
	Logger *slog.Logger
	// Now defaults to time.Now.
	Now func() time.Time
}

func (o KeyringOptions) withDefaults() KeyringOptions {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{{&o.Every, 2 * time.Second}, {&o.Timeout, 10 * time.Second}, {&o.Stale, 30 * time.Second}} {
		if *d.to <= 0 {
			*d.to = d.is
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Keyring has all sources and active keys in memory. Its methods may be called by many goroutines.
type Keyring struct {
	db  DB
	opt KeyringOptions

	ring atomic.Pointer[ring] // nil until something was read
	read atomic.Int64         // when Postgres answered last, in Unix nanoseconds; 0 for never

	mu    sync.Mutex // of what follows, and of Refresh
	kept  []byte     // what File has
	noted map[string]int64
	lost  bool // Postgres did not answer last time
}

var _ gateway.Keys = (*Keyring)(nil)

// ring is what was read at one moment. It does not change.
type ring struct {
	sources map[string]*Source
	keys    []ringKey
	byStart map[uint64][]*ringKey
}

type ringKey struct {
	id     string
	digest [sha256.Size]byte
	source *Source
	seen   *atomic.Int64 // Unix seconds of the last use
}

// ErrNothingRead says that no key is known because Postgres could not be asked since the start.
var ErrNothingRead = errors.New("the sources and write keys were not read yet: Postgres does not answer")

// errMayBeNew is the answer for an unknown key while Postgres is away.
var errMayBeNew = errors.New("the key is unknown, and Postgres cannot be asked now")

// OpenKeyring returns a keyring with what the file has, if there is one. Call Refresh or Run to read from Postgres.
func OpenKeyring(db DB, o KeyringOptions) (*Keyring, error) {
	k := &Keyring{db: db, opt: o.withDefaults(), noted: map[string]int64{}}
	if k.opt.File == "" {
		return k, nil
	}
	sources, keys, text, err := readSnapshot(k.opt.File)
	if err != nil {
		return nil, err
	}
	if text != nil {
		k.kept = text
		k.ring.Store(newRing(sources, keys, nil))
	}
	return k, nil
}

// Lookup implements gateway.Keys.
func (k *Keyring) Lookup(hash gateway.KeyHash) (gateway.Source, error) {
	r := k.ring.Load()
	if r == nil {
		return gateway.Source{}, ErrNothingRead
	}
	key := r.find(hash)
	if key == nil {
		if k.opt.Now().Sub(time.Unix(0, k.read.Load())) > k.opt.Stale {
			return gateway.Source{}, errMayBeNew
		}
		return gateway.Source{}, gateway.ErrUnknownKey
	}
	key.seen.Store(k.opt.Now().Unix())
	s := key.source
	return gateway.Source{Nickname: s.Nickname, Region: s.Settings.Region, Disabled: !s.Enabled()}, nil
}

// Ready implements gateway.Keys.
func (k *Keyring) Ready() error {
	if k.ring.Load() == nil {
		return ErrNothingRead
	}
	return nil
}

// Source returns a source by its exact nickname; false if it is not registered, or nothing was read yet.
func (k *Keyring) Source(nickname string) (Source, bool) {
	if r := k.ring.Load(); r != nil && r.sources[nickname] != nil {
		return *r.sources[nickname], true
	}
	return Source{}, false
}

// Sources returns all sources by nickname, and how many active keys each has.
func (k *Keyring) Sources() (sources []Source, keys map[string]int) {
	keys = map[string]int{}
	r := k.ring.Load()
	if r == nil {
		return nil, keys
	}
	for _, s := range r.sources {
		sources = append(sources, *s)
	}
	sortSources(sources)
	for i := range r.keys {
		keys[r.keys[i].source.Nickname]++
	}
	return sources, keys
}

// none is compared with where there is nothing to compare with.
var none ringKey

// find compares digests in constant time, one at least. Which bucket is looked into depends on the digest alone, of
// which nobody can choose the bytes without knowing the key.
func (r *ring) find(hash gateway.KeyHash) (found *ringKey) {
	candidates := r.byStart[binary.BigEndian.Uint64(hash[:])]
	if len(candidates) == 0 {
		subtle.ConstantTimeCompare(hash[:], none.digest[:])
		return nil
	}
	for _, c := range candidates {
		if subtle.ConstantTimeCompare(hash[:], c.digest[:]) == 1 {
			found = c
		}
	}
	return found
}

// keyRow is a key as it is read or kept.
type keyRow struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Digest []byte `json:"sha256"`
}

// newRing builds a ring; when a key was used last is taken over from before, which may be nil.
func newRing(sources []Source, keys []keyRow, before *ring) *ring {
	r := &ring{sources: map[string]*Source{}, byStart: map[uint64][]*ringKey{}}
	seen := map[string]*atomic.Int64{}
	if before != nil {
		for i := range before.keys {
			seen[before.keys[i].id] = before.keys[i].seen
		}
	}
	for i := range sources {
		r.sources[sources[i].Nickname] = &sources[i]
	}
	for _, row := range keys {
		key := ringKey{id: row.ID, source: r.sources[row.Source], seen: seen[row.ID]}
		if len(row.Digest) != sha256.Size || key.source == nil {
			continue
		}
		copy(key.digest[:], row.Digest)
		if key.seen == nil {
			key.seen = &atomic.Int64{}
		}
		r.keys = append(r.keys, key)
	}
	for i := range r.keys {
		start := binary.BigEndian.Uint64(r.keys[i].digest[:])
		r.byStart[start] = append(r.byStart[start], &r.keys[i])
	}
	return r
}

// Refresh reads everything from Postgres, and keeps it in the file if it has changed. After an error the keyring has what
// it had before.
func (k *Keyring) Refresh(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, k.opt.Timeout)
	defer cancel()
	sources, keys, err := k.query(ctx)
	if err != nil {
		return err
	}
	k.ring.Store(newRing(sources, keys, k.ring.Load()))
	k.read.Store(k.opt.Now().UnixNano())
	if k.opt.File == "" {
		return nil
	}
	text, err := writeSnapshot(k.opt.File, k.kept, sources, keys)
	if err != nil {
		return err
	}
	k.kept = text
	return nil
}

// query is one statement: a source without keys is one row, one with two keys two.
func (k *Keyring) query(ctx context.Context) (sources []Source, keys []keyRow, err error) {
	rows, err := k.db.Query(ctx, `select s.nickname, s.schema_name, s.kind, s.settings, s.disabled_at, s.created_at, k.id, k.digest
		from `+table("sources")+` s left join `+table("write_keys")+` k on k.source = s.nickname and k.revoked_at is null
		order by s.nickname, k.id`)
	if err != nil {
		return nil, nil, fmt.Errorf("read sources: %w", err)
	}
	var s Source
	var id *string
	var digest []byte
	columns := []any{&s.Nickname, &s.Schema, &s.Kind, &s.Settings, &s.DisabledAt, &s.CreatedAt, &id, &digest}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		if len(sources) == 0 || sources[len(sources)-1].Nickname != s.Nickname {
			sources = append(sources, s)
		}
		if id != nil {
			keys = append(keys, keyRow{*id, s.Nickname, append([]byte(nil), digest...)})
		}
		s, id, digest = Source{}, nil, nil
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read sources: %w", err)
	}
	return sources, keys, nil
}

// Run refreshes until ctx ends, and notes about once a minute which keys were used.
func (k *Keyring) Run(ctx context.Context) {
	tick := time.NewTicker(k.opt.Every)
	defer tick.Stop()
	noted := k.opt.Now()
	for {
		err := k.Refresh(ctx)
		if ctx.Err() != nil {
			return
		}
		k.tell(ctx, err)
		if now := k.opt.Now(); err == nil && now.Sub(noted) >= time.Minute {
			if err := k.NoteUses(ctx); err != nil {
				k.opt.Logger.WarnContext(ctx, "when keys were used could not be noted", "error", err)
			}
			noted = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tell logs when Postgres goes and when it comes back, not at every try between.
func (k *Keyring) tell(ctx context.Context, err error) {
	switch {
	case err != nil && !k.lost:
		k.opt.Logger.WarnContext(ctx, "sources and write keys cannot be read now; those known go on working", "error", err)
	case err == nil && k.lost:
		k.opt.Logger.InfoContext(ctx, "sources and write keys are read again")
	}
	k.lost = err != nil
}

// NoteUses writes to Postgres when each key was used last, as far as that is news.
func (k *Keyring) NoteUses(ctx context.Context) error {
	r := k.ring.Load()
	if r == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var ids []string
	var at []time.Time
	for i := range r.keys {
		if seen := r.keys[i].seen.Load(); seen > k.noted[r.keys[i].id] {
			ids, at = append(ids, r.keys[i].id), append(at, time.Unix(seen, 0))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, k.opt.Timeout)
	defer cancel()
	_, err := k.db.Exec(ctx, `insert into `+table("key_uses")+` (key, last_seen_at)
		select key, at from unnest($1::text[], $2::timestamptz[]) u (key, at) where key in (select id from `+table("write_keys")+`)
		on conflict (key) do update set last_seen_at = greatest(key_uses.last_seen_at, excluded.last_seen_at)`, ids, at)
	if err != nil {
		return fmt.Errorf("note uses of keys: %w", err)
	}
	for i, id := range ids {
		k.noted[id] = at[i].Unix()
	}
	return nil
}
