package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/registry"
)

func (a *app) sourceKeys() *cobra.Command {
	return group(&cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke the write keys with which clients send events",
		Long: `A write key is what a client sends its events with: in place of Segment's. A key is shown once, when it is made; only its
SHA-256 is kept. A source has at most two active ones: to change a key without losing an event, create the second, give it to
all clients, and revoke the first when it is seen no more.`,
		Example: `  tapline source keys create CleverTap_Prod --label "CleverTap, since May"
  tapline source keys list CleverTap_Prod
  tapline source keys revoke CleverTap_Prod key_1f2e3d4c`,
	}, a.keysCreate(), a.keysList(), a.keysRevoke())
}

type newKeyJSON struct {
	registry.Key
	WriteKey string `json:"write_key"` // shown this once
}

func (a *app) keysCreate() *cobra.Command {
	var label string
	c := &cobra.Command{
		Use:   "create NICKNAME",
		Short: "Make a write key and show it, this once",
		Example: `  tapline source keys create CleverTap_Prod
  KEY=$(tapline source keys create Web --json | jq -r .write_key)`,
		Args: oneArg("NICKNAME", nicknameHint),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withRegistered(c.Context(), args[0], func(r *registry.Registry, s *registry.Source) error {
				return a.createKey(c.Context(), r, s, label)
			})
		},
	}
	a.databaseFlags(c)
	c.Flags().StringVar(&label, "label", "", "`TEXT` to know the key by: who uses it, and where")
	c.ValidArgsFunction = a.completeSource()
	return c
}

func (a *app) createKey(ctx context.Context, r *registry.Registry, s *registry.Source, label string) error {
	key, secret, err := r.CreateKey(ctx, s.Nickname, label)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(newKeyJSON{*key, secret})
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.green("✓") + " " + p.bold("Write key of "+printable(s.Nickname)+", shown this once"))
	p.line()
	p.line("  " + secret)
	p.line()
	p.line("  It is " + key.ID + " in lists and logs. A running tapline serve takes it within seconds.")
	return nil
}

func (a *app) keysList() *cobra.Command {
	c := &cobra.Command{
		Use:   "list NICKNAME",
		Short: "List the write keys of a source: label, age, when they were used last",
		Example: `  tapline source keys list CleverTap_Prod
  tapline source keys list CleverTap_Prod --json`,
		Args: oneArg("NICKNAME", nicknameHint),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withRegistered(c.Context(), args[0], func(r *registry.Registry, s *registry.Source) error {
				keys, err := r.ListKeys(c.Context(), s.Nickname)
				if err != nil {
					return err
				}
				if a.json {
					return a.writeJSON(map[string]any{"source": s.Nickname, "keys": list(keys)})
				}
				newPrinter(a.stdout, a.env).keys(keys)
				return nil
			})
		},
	}
	a.databaseFlags(c)
	c.ValidArgsFunction = a.completeSource()
	return c
}

func (p *printer) keys(keys []registry.Key) {
	if len(keys) == 0 {
		p.line("  No write keys.")
		return
	}
	g := &grid{header: []string{"KEY", "BEGINS", "~LABEL", "STATE", "MADE", "LAST SEEN"}}
	for i := range keys {
		k := &keys[i]
		state := p.green("active")
		if k.Declared {
			state += ", of the file"
		}
		if !k.Active() {
			state = "revoked " + moment(k.RevokedAt)
		}
		g.add(k.ID, k.Hint+"…", printable(k.Label), state, moment(&k.CreatedAt), seen(k.LastSeenAt))
	}
	p.print(g)
}

// seen is when a key was used last.
func seen(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return ago(at)
}

func (a *app) keysRevoke() *cobra.Command {
	c := &cobra.Command{
		Use:   "revoke NICKNAME KEY",
		Short: "Make a write key be refused from now on",
		Long: `Make a write key be refused: clients that still use it are answered 401, within seconds. KEY is its id, as keys list
shows it, or its first characters. It cannot be taken back.`,
		Example: `  tapline source keys revoke CleverTap_Prod key_1f2e3d4c`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return &config.Error{Setting: "NICKNAME KEY", Problem: "give two words", Hint: "the source's nickname, and the key as keys list shows it"}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.withRegistered(c.Context(), args[0], func(r *registry.Registry, s *registry.Source) error {
				key, err := r.RevokeKey(c.Context(), s.Nickname, args[1])
				var missing *registry.NotFoundError
				if errors.As(err, &missing) {
					return usage(fmt.Errorf("%w of source %s: see %s source keys list %s", err, printable(s.Nickname), programName(), shellWord(s.Nickname)+a.sameDatabase()))
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.writeJSON(key)
				}
				p := newPrinter(a.stdout, a.env)
				p.line(p.green("✓") + " " + p.bold("Revoked "+key.ID+" of "+printable(s.Nickname)) + p.dim("  it began "+key.Hint+"…"))
				return nil
			})
		},
	}
	a.databaseFlags(c)
	c.ValidArgsFunction = a.completeSource()
	return c
}
