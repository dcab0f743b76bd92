package registry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// MaxKeys is how many keys of a source are accepted at a time: two, so that clients can move from one to the next.
const MaxKeys = 2

// Lengths of write keys in bytes. Generated ones are always of the same length; declared ones may be what a client has
// already, such as the 32 characters of Segment's.
const (
	MinKeyLength = 16
	MaxKeyLength = 128
)

const keyPrefix = "tl_"

// Key is a write key as it is registered: what is known of it without knowing it.
type Key struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	// Hint is the key's first characters.
	Hint  string `json:"hint"`
	Label string `json:"label"`
	// Declared is true for a key of a configuration file.
	Declared   bool       `json:"declared"`
	CreatedAt  time.Time  `json:"created_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
	LastSeenAt *time.Time `json:"last_seen_at"` // to the minute or so; nil if it was never used
}

// Active reports whether the key is accepted.
func (k *Key) Active() bool { return k.RevokedAt == nil }

// Digest is what is kept of a key.
func Digest(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// NewSecret returns a new key: 256 random bits.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return keyPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// CheckSecret refuses a declared key that could not be sent in all the ways clients send one, or that can be guessed. The
// error does not show the key.
func CheckSecret(secret string) error {
	switch {
	case len(secret) < MinKeyLength || len(secret) > MaxKeyLength:
		return fmt.Errorf("a write key has %d to %d characters, this one has %d", MinKeyLength, MaxKeyLength, len(secret))
	case strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`:"\/?#%`, r) }):
		return errors.New(`a write key is of letters, digits and signs other than : " \ / ? # %`)
	}
	return nil
}

// hint is what is shown of a key: six of its random characters, fewer of one that may be short.
func hint(secret string) string {
	if strings.HasPrefix(secret, keyPrefix) {
		return secret[:len(keyPrefix)+6]
	}
	return secret[:4]
}

// CreateKey makes a key for a source and returns it with its secret, which is nowhere afterwards. The error is a
// *ConflictError if the source has MaxKeys active ones.
func (r *Registry) CreateKey(ctx context.Context, nickname, label string) (k *Key, secret string, err error) {
	secret = NewSecret()
	err = r.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := lock(ctx, tx, nickname); err != nil {
			return err
		}
		k, err = r.insertKey(ctx, tx, nickname, label, secret, false)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return k, secret, nil
}

// insertKey adds a key to a source that tx has locked.
func (r *Registry) insertKey(ctx context.Context, tx pgx.Tx, nickname, label, secret string, declared bool) (*Key, error) {
	var active int
	err := tx.QueryRow(ctx, "select count(*) from "+table("write_keys")+" where source = $1 and revoked_at is null", nickname).Scan(&active)
	switch {
	case err != nil:
		return nil, fmt.Errorf("count keys of source %s: %w", nickname, err)
	case active >= MaxKeys:
		return nil, &ConflictError{
			nickname, fmt.Sprintf("it has %d active keys already", active),
			"revoke one first: tapline source keys list " + nickname,
		}
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	id, digest := "key_"+hex.EncodeToString(random[:]), Digest(secret)
	_, err = tx.Exec(ctx, "insert into "+table("write_keys")+" (id, source, digest, hint, label, declared) values ($1, $2, $3, $4, nullif($5, ''), $6)",
		id, nickname, digest[:], hint(secret), label, declared)
	if err != nil {
		return nil, fmt.Errorf("write key of source %s: %w", nickname, err)
	}
	if err := r.audit(ctx, tx, "key.create", nickname, map[string]any{"key": id, "label": label, "declared": declared}); err != nil {
		return nil, err
	}
	keys, err := listKeys(ctx, tx, nickname, id)
	if err != nil {
		return nil, err
	}
	return &keys[0], nil
}

// ListKeys returns the keys of a source, active ones first, then newest first.
func (r *Registry) ListKeys(ctx context.Context, nickname string) ([]Key, error) {
	return listKeys(ctx, r.db, nickname, "")
}

// listKeys returns the keys of a source, or only the one of an id.
func listKeys(ctx context.Context, q querier, nickname, id string) ([]Key, error) {
	rows, _ := q.Query(ctx, `select k.id, k.source, k.hint, coalesce(k.label, ''), k.declared, k.created_at, k.revoked_at, u.last_seen_at
		from `+table("write_keys")+` k left join `+table("key_uses")+` u on u.key = k.id
		where k.source = $1 and $2 in ('', k.id) order by k.revoked_at desc nulls first, k.created_at desc, k.id`, nickname, id) // its error comes back from rows
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Key])
	if err != nil && !absent(err) {
		return nil, fmt.Errorf("list keys of source %s: %w", nickname, err)
	}
	return keys, nil
}

// RevokeKey makes a key be accepted no more, within the few seconds that gateways take to hear of it. The key is named by
// its id, or its hint where that names one alone. The error is a *NotFoundError if the source has no such key, a
// *ConflictError if several begin like that.
func (r *Registry) RevokeKey(ctx context.Context, nickname, name string) (k *Key, err error) {
	err = r.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := lock(ctx, tx, nickname); err != nil {
			return err
		}
		keys, err := listKeys(ctx, tx, nickname, "")
		if err != nil {
			return err
		}
		if k, err = named(nickname, keys, name); err != nil {
			return err
		}
		if k == nil {
			return &NotFoundError{"key", name}
		}
		return r.revoke(ctx, tx, k)
	})
	return k, err
}

// named returns the key of an id, or the active one of a hint. It is nil if there is none.
func named(source string, keys []Key, name string) (*Key, error) {
	var found []*Key
	for i := range keys {
		switch {
		case keys[i].ID == name:
			return &keys[i], nil
		case keys[i].Hint == name && keys[i].Active():
			found = append(found, &keys[i])
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, &ConflictError{
		source, fmt.Sprintf("%d active keys begin with %s", len(found), name),
		"give the id of one: tapline source keys list " + source,
	}
}

// revoke revokes a key of a source that tx has locked.
func (r *Registry) revoke(ctx context.Context, tx pgx.Tx, k *Key) error {
	if !k.Active() {
		return nil
	}
	err := tx.QueryRow(ctx, "update "+table("write_keys")+" set revoked_at = now() where id = $1 returning revoked_at", k.ID).Scan(&k.RevokedAt)
	if err != nil {
		return fmt.Errorf("revoke key %s: %w", k.ID, err)
	}
	return r.audit(ctx, tx, "key.revoke", k.Source, map[string]any{"key": k.ID, "declared": k.Declared})
}
