package cli

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/registry"
)

func (a *app) sourceShow() *cobra.Command {
	c := &cobra.Command{
		Use:   "show NICKNAME",
		Short: "Show a source with its settings and write keys",
		Example: `  tapline source show CleverTap_Prod
  tapline source show CleverTap_Prod --json`,
		Args: oneArg("NICKNAME", nicknameHint),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withRegistry(c.Context(), false, func(r *registry.Registry, pool *pgxpool.Pool) error {
				return a.showSource(c.Context(), r, pool, args[0])
			})
		},
	}
	a.databaseFlags(c)
	c.ValidArgsFunction = a.completeSource()
	return c
}

// sourceInDetail is what show has of a source.
type sourceInDetail struct {
	sourceInList
	Keys []registry.Key `json:"keys"`
}

func describeSource(ctx context.Context, r *registry.Registry, pool *pgxpool.Pool, s *registry.Source) (*sourceInDetail, error) {
	out := &sourceInDetail{sourceInList: sourceInList{sourceJSON: sourceJSON{Source: *s, Enabled: s.Enabled()}}}
	keys, err := r.ListKeys(ctx, s.Nickname)
	if err != nil {
		return nil, err
	}
	out.Keys = list(keys)
	for i := range keys {
		if keys[i].Active() {
			out.ActiveKeys++
		}
	}
	pauses, err := registry.Pauses(ctx, pool)
	if err != nil {
		return nil, err
	}
	if pause, ok := pauses[s.Nickname]; ok {
		out.Paused = &pause
	}
	return out, nil
}

func (a *app) showSource(ctx context.Context, r *registry.Registry, pool *pgxpool.Pool, nickname string) error {
	found, err := admin.Find(ctx, pool, nickname, "")
	if err != nil {
		return a.whichSource(err)
	}
	if err := registry.Prepare(ctx, pool); err != nil { // of an earlier release
		return err
	}
	s, err := r.Get(ctx, found.Nickname)
	if err != nil {
		return err
	}
	out, err := describeSource(ctx, r, pool, s)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(out)
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.bold(printable(s.Nickname)) + p.dim("  schema "+s.Schema))
	fields := append(settingFields(s.Settings), [2]string{"added", moment(&s.CreatedAt)}, [2]string{"state", p.sourceState(&out.sourceInList)})
	if s.DisabledAt != nil {
		fields = append(fields, [2]string{"disabled", moment(s.DisabledAt)})
	}
	if out.Paused != nil {
		fields = append(fields, [2]string{"since", moment(&out.Paused.Since)}, [2]string{"because", printable(out.Paused.Reason)})
	}
	p.fields(fields)
	p.line()
	p.keys(out.Keys)
	return nil
}

func (a *app) sourceDisable() *cobra.Command {
	return a.sourceSwitch("disable", "Refuse the events of a source; nothing that is accepted or loaded is lost",
		`Refuse the events that clients send to a source: they are answered 403, with the reason. What was accepted before is still
loaded, files can still be loaded, and nothing is removed. Gateways hear of it within seconds.`,
		"Disabled source ", (*registry.Registry).Disable)
}

func (a *app) sourceEnable() *cobra.Command {
	return a.sourceSwitch("enable", "Take the events of a disabled source again", "Take the events of a source again that was disabled.",
		"Enabled source ", (*registry.Registry).Enable)
}

func (a *app) sourceSwitch(verb, short, long, done string, do func(*registry.Registry, context.Context, string) error) *cobra.Command {
	c := &cobra.Command{
		Use: verb + " NICKNAME", Short: short, Long: long, Example: "  tapline source " + verb + " CleverTap_Test",
		Args: oneArg("NICKNAME", nicknameHint),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withRegistered(c.Context(), args[0], func(r *registry.Registry, s *registry.Source) error {
				if err := do(r, c.Context(), s.Nickname); err != nil {
					return err
				}
				s, err := r.Get(c.Context(), s.Nickname)
				if err != nil {
					return err
				}
				return a.tellSource(s, done+s.Nickname)
			})
		},
	}
	a.databaseFlags(c)
	c.ValidArgsFunction = a.completeSource()
	return c
}

func (a *app) sourceRemove() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "remove NICKNAME --yes",
		Short: "Forget a source and its write keys; its schema and events stay",
		Long: `Forget a source: its settings and its write keys go, so that nobody can send events to it. Its schema stays with every
table and event in it, and adding the source again, or loading into it, takes it over as it is. What tapline serve has
accepted and not loaded yet stays in the stream until the source is there again. Without --yes it only says so.`,
		Example: `  tapline source remove CleverTap_Test
  tapline source remove CleverTap_Test --yes`,
		Args: oneArg("NICKNAME", nicknameHint),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withRegistered(c.Context(), args[0], func(r *registry.Registry, s *registry.Source) error {
				return a.removeSource(c.Context(), r, s, yes)
			})
		},
	}
	a.databaseFlags(c)
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	c.ValidArgsFunction = a.completeSource()
	return c
}

type removedJSON struct {
	Nickname string `json:"source"`
	Schema   string `json:"schema"` // it stays
	Removed  bool   `json:"removed"`
}

func (a *app) removeSource(ctx context.Context, r *registry.Registry, s *registry.Source, yes bool) error {
	if yes {
		if err := r.Remove(ctx, s.Nickname); err != nil {
			return err
		}
	}
	if a.json {
		if err := a.writeJSON(removedJSON{s.Nickname, s.Schema, yes}); err != nil || yes {
			return err
		}
		return &exitError{code: exitUsage}
	}
	stays := "Schema " + s.Schema + " stays, with all its tables and events; to drop it: drop schema " + s.Schema + " cascade"
	if !yes {
		return &config.Error{
			Setting: "--yes", Problem: "source " + s.Nickname + " and its write keys would be forgotten. " + stays,
			Hint: "give --yes if that is meant",
		}
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.green("✓") + " " + p.bold("Removed source "+printable(s.Nickname)+" and its write keys"))
	p.line("  " + stays + ".")
	return nil
}
