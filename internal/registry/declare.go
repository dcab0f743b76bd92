package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Declared is a source as a configuration file has it. What is empty is left as it is registered.
type Declared struct {
	Nickname, Schema string
	Settings         Settings
	// Disabled is nil if the file does not say.
	Disabled *bool
	// Keys are the secrets of the source's declared keys. If it is nil, declared keys stay as they are; an empty list
	// revokes them.
	Keys []string
}

// Declare makes what is registered be as declared: it adds the source, changes settings, adds the keys that are new and
// revokes those that were declared before and are not any more. Keys made by CreateKey stay. It changes nothing and
// returns a *ConflictError, or a *migrations.OwnedError, where the two contradict each other: another region or schema, a
// key that was revoked or is another source's, more than MaxKeys active keys.
func (r *Registry) Declare(ctx context.Context, d Declared) error {
	for i, secret := range d.Keys {
		if err := CheckSecret(secret); err != nil {
			return &ConflictError{d.Nickname, fmt.Sprintf("number %d of its declared keys: %v", i+1, err), "make one with tapline source keys create, or use a longer one"}
		}
	}
	if err := d.Settings.Check(); err != nil {
		return err
	}
	if done, err := r.isAsDeclared(ctx, d); err != nil || done {
		return err
	}
	return r.inTx(ctx, func(tx pgx.Tx) error {
		schemaName := d.Schema
		have, err := get(ctx, tx, d.Nickname)
		var missing *NotFoundError
		switch {
		case err == nil && schemaName == "":
			schemaName = have.Schema
		case err != nil && !errors.As(err, &missing):
			return err
		}
		if schemaName, err = SchemaOf(d.Nickname, schemaName); err != nil {
			return err
		}
		created, err := r.add(ctx, tx, d.Nickname, schemaName, d.Settings)
		if err == nil && !created {
			err = r.set(ctx, tx, d.Nickname, d.Settings, false)
		}
		if err == nil && d.Disabled != nil {
			err = r.disabled(ctx, tx, d.Nickname, *d.Disabled)
		}
		if err == nil && d.Keys != nil {
			err = r.declareKeys(ctx, tx, d.Nickname, d.Keys)
		}
		return err
	})
}

// isAsDeclared reports whether there is nothing to do: then a role that may change nothing can declare, too.
func (r *Registry) isAsDeclared(ctx context.Context, d Declared) (bool, error) {
	have, err := r.Get(ctx, d.Nickname)
	var missing *NotFoundError
	switch {
	case errors.As(err, &missing):
		return false, nil
	case err != nil:
		return false, err
	case d.Schema != "" && d.Schema != have.Schema, have.Settings.over(d.Settings) != have.Settings,
		d.Disabled != nil && *d.Disabled == have.Enabled():
		return false, nil
	case d.Keys == nil:
		return true, nil
	}
	rows, _ := r.db.Query(ctx, "select digest, declared from "+table("write_keys")+" where source = $1 and revoked_at is null", d.Nickname) // its error comes back from rows
	type active struct {
		Digest   []byte
		Declared bool
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[active])
	if err != nil {
		return false, fmt.Errorf("read keys of source %s: %w", d.Nickname, err)
	}
	wanted := map[[sha256.Size]byte]bool{}
	for _, secret := range d.Keys {
		wanted[Digest(secret)] = true
	}
	for _, key := range keys {
		digest := [sha256.Size]byte(key.Digest)
		if key.Declared && !wanted[digest] {
			return false, nil
		}
		delete(wanted, digest)
	}
	return len(wanted) == 0, nil
}

func (r *Registry) declareKeys(ctx context.Context, tx pgx.Tx, nickname string, secrets []string) error {
	if _, err := lock(ctx, tx, nickname); err != nil {
		return err
	}
	keep := make([]string, 0, len(secrets))
	var add []string
	for _, secret := range secrets {
		id, err := r.known(ctx, tx, nickname, secret)
		switch {
		case err != nil:
			return err
		case id != "":
			keep = append(keep, id)
		case !slices.Contains(add, secret):
			add = append(add, secret)
		}
	}
	keys, err := listKeys(ctx, tx, nickname, "")
	if err != nil {
		return err
	}
	for i := range keys { // first, so that there is room
		if keys[i].Declared && keys[i].Active() && !slices.Contains(keep, keys[i].ID) {
			if err := r.revoke(ctx, tx, &keys[i]); err != nil {
				return err
			}
		}
	}
	for _, secret := range add {
		if _, err := r.insertKey(ctx, tx, nickname, "", secret, true); err != nil {
			return err
		}
	}
	return nil
}

// known returns the id under which a declared key is registered; "" if it is not.
func (r *Registry) known(ctx context.Context, tx pgx.Tx, nickname, secret string) (string, error) {
	digest := Digest(secret)
	var id, source string
	var active bool
	err := tx.QueryRow(ctx, "select id, source, revoked_at is null from "+table("write_keys")+" where digest = $1", digest[:]).Scan(&id, &source, &active)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look up a declared key: %w", err)
	case source != nickname:
		return "", &ConflictError{nickname, "a declared key, " + id + ", is one of source " + source, "give each source keys of its own"}
	case !active:
		return "", &ConflictError{nickname, "a declared key, " + id + ", was revoked", "declare another one"}
	}
	return id, nil
}
