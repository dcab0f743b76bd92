package cli

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/catalog"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/registry"
)

const nicknameHint = "give the source's nickname, such as CleverTap_Prod"

// settingFlags adds the flags of what is known of a source.
func settingFlags(c *cobra.Command, set *registry.Settings) {
	flags := c.Flags()
	flags.StringVar(&set.Region, "region", "", "`REGION` where its data may be: us, eu, or a name of your own (default anywhere)")
	flags.StringVar(&set.UserIdentity, "user-identity", "", "`FIELD` that becomes user_id of CleverTap records: "+strings.Join(config.UserIdentities(), ", ")+" (default identity)")
	flags.StringVar(&set.Timezone, "timezone", "", "time `ZONE` of the CleverTap project, by its IANA name, such as Asia/Kolkata")
	flags.StringVar(&set.Account, "account", "", "CleverTap account `ID`; it is part of the ids of CleverTap's records")
	complete(c, "region", []string{"us", "eu"})
	complete(c, "user-identity", config.UserIdentities())
	must(c.RegisterFlagCompletionFunc("timezone", completeZone))
}

func (a *app) sourceAdd() *cobra.Command {
	var set registry.Settings
	var schemaName string
	var dryRun bool
	c := &cobra.Command{
		Use:   "add NICKNAME",
		Short: "Add a source, and show the schema that its tables will be in",
		Long: `Add a source before anything of it is loaded: to give clients a write key for it, and to note its region and what is
known of its CleverTap project, which tapline load, pull and verify then use where neither a flag nor the configuration file says
otherwise. The schema is made by the first
load, or by your migrations. Adding a source that is there adds to its settings; its region stays.`,
		Example: `  tapline source add CleverTap_Prod --region eu --user-identity email --timezone Asia/Kolkata
  tapline source add "My Shop" --dry-run                      # which schema would it be?
  tapline source add Web --schema web_events`,
		Args: oneArg("NICKNAME", nicknameHint),
		RunE: func(c *cobra.Command, args []string) error {
			if dryRun {
				return a.previewSource(args[0], schemaName, set)
			}
			return a.addSource(c.Context(), args[0], schemaName, set)
		},
	}
	a.databaseFlags(c)
	settingFlags(c, &set)
	c.Flags().StringVar(&schemaName, "schema", "", "`SCHEMA` of the source, if it is not to be made of the nickname")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be added; touch nothing")
	return c
}

// sourceJSON is a source as it is registered, and what came of the command.
type sourceJSON struct {
	registry.Source
	Enabled bool `json:"enabled"`
	Created bool `json:"created,omitempty"`
	DryRun  bool `json:"dry_run,omitempty"`
}

func (a *app) previewSource(nickname, schemaName string, set registry.Settings) error {
	made, err := registry.SchemaOf(nickname, schemaName)
	if err != nil {
		return usage(err)
	}
	if err := set.Check(); err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(sourceJSON{Source: registry.Source{Nickname: nickname, Schema: made, Settings: set}, Enabled: true, DryRun: true})
	}
	newPrinter(a.stdout, a.env).line("Source " + printable(nickname) + " would have its tables in schema " + made)
	return nil
}

func (a *app) addSource(ctx context.Context, nickname, schemaName string, set registry.Settings) error {
	if _, err := registry.SchemaOf(nickname, schemaName); err != nil {
		return usage(err)
	}
	if err := set.Check(); err != nil {
		return err
	}
	return a.withRegistry(ctx, true, func(r *registry.Registry, pool *pgxpool.Pool) error {
		s, created, err := r.Add(ctx, nickname, schemaName, set)
		if err != nil {
			return err
		}
		if a.json {
			return a.writeJSON(sourceJSON{Source: *s, Enabled: s.Enabled(), Created: created})
		}
		there, err := catalog.Exists(ctx, pool, s.Schema)
		if err != nil {
			return err
		}
		a.printAdded(s, created, there)
		return nil
	})
}

func (a *app) printAdded(s *registry.Source, created, there bool) {
	p := newPrinter(a.stdout, a.env)
	text := "Added source " + printable(s.Nickname)
	if !created {
		text = "Source " + printable(s.Nickname) + " was there already"
	}
	p.line(p.green("✓") + " " + p.bold(text))
	where := s.Schema + ", which the first load makes"
	if there {
		where = s.Schema + ", which is there"
	}
	p.fields(append([][2]string{{"schema", where}}, settingFields(s.Settings)...))
	p.heading("Next")
	p.line("  " + p.cyan(programName()+" source keys create "+shellWord(s.Nickname)+a.sameDatabase()) + "  a write key for clients")
	p.line("  " + p.cyan(programName()+" serve"+a.sameDatabase()) + "  takes their events")
}

func settingFields(set registry.Settings) (fields [][2]string) {
	for _, f := range [][2]string{
		{"region", set.Region},
		{"user identity", set.UserIdentity},
		{"time zone", set.Timezone},
		{"account", set.Account},
	} {
		if f[1] != "" {
			fields = append(fields, [2]string{f[0], printable(f[1])})
		}
	}
	return fields
}

func (a *app) sourceSet() *cobra.Command {
	var set registry.Settings
	c := &cobra.Command{
		Use:   "set NICKNAME",
		Short: "Change what is noted of a source: region, user identity, time zone, account",
		Long: `Change what is noted of a source. What no flag names stays. The region is refused while a destination of the source is in
another one. What is loaded already does not change.`,
		Example: `  tapline source set CleverTap_Prod --timezone Asia/Kolkata
  tapline source set Web --region eu`,
		Args: oneArg("NICKNAME", nicknameHint),
		RunE: func(c *cobra.Command, args []string) error {
			if err := set.Check(); err != nil {
				return err
			}
			if set == (registry.Settings{}) {
				return &config.Error{Setting: "set", Problem: "nothing to change", Hint: "give --region, --user-identity, --timezone or --account"}
			}
			return a.withRegistered(c.Context(), args[0], func(r *registry.Registry, s *registry.Source) error {
				s, err := r.Set(c.Context(), s.Nickname, set)
				if err != nil {
					return err
				}
				return a.tellSource(s, "Changed source "+s.Nickname)
			})
		},
	}
	a.databaseFlags(c)
	settingFlags(c, &set)
	c.ValidArgsFunction = a.completeSource()
	return c
}

// tellSource shows a source after what was done to it.
func (a *app) tellSource(s *registry.Source, done string) error {
	if a.json {
		return a.writeJSON(sourceJSON{Source: *s, Enabled: s.Enabled()})
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.green("✓") + " " + p.bold(printable(done)))
	p.fields(append([][2]string{{"schema", s.Schema}}, settingFields(s.Settings)...))
	return nil
}

func (a *app) sourceList() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the sources: schema, region, whether they take events, write keys",
		Example: `  tapline source list
  tapline source list --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withRegistry(c.Context(), false, func(r *registry.Registry, pool *pgxpool.Pool) error {
				return a.listSources(c.Context(), r, pool)
			})
		},
	}
	a.databaseFlags(c)
	return c
}

// sourceInList is a source with how its keys and its loading are.
type sourceInList struct {
	sourceJSON
	ActiveKeys int             `json:"active_keys"`
	Paused     *registry.Pause `json:"paused"` // loading of what arrives over HTTP; nil if it goes on
}

func (a *app) listSources(ctx context.Context, r *registry.Registry, pool *pgxpool.Pool) error {
	sources, err := admin.Sources(ctx, pool)
	if err != nil {
		return err
	}
	out := []sourceInList{}
	if len(sources) > 0 {
		if err := registry.Prepare(ctx, pool); err != nil { // of an earlier release
			return err
		}
		all, err := r.List(ctx)
		if err != nil {
			return err
		}
		for i := range all {
			one, err := describeSource(ctx, r, pool, &all[i])
			if err != nil {
				return err
			}
			out = append(out, one.sourceInList)
		}
	}
	if a.json {
		return a.writeJSON(map[string]any{"sources": out})
	}
	p := newPrinter(a.stdout, a.env)
	if len(out) == 0 {
		p.line("This database has no source yet. Add one: " + p.cyan(programName()+" source add NICKNAME"+a.sameDatabase()))
		return nil
	}
	g := &grid{header: []string{"~SOURCE", "SCHEMA", "REGION", "STATE", ">KEYS"}}
	for i := range out {
		g.add(printable(out[i].Nickname), out[i].Schema, out[i].Settings.Region, p.sourceState(&out[i]), some(int64(out[i].ActiveKeys)))
	}
	p.print(g)
	return nil
}

// sourceState is whether a source takes and loads events.
func (p *printer) sourceState(s *sourceInList) string {
	switch {
	case !s.Enabled:
		return p.yellow("disabled")
	case s.Paused != nil:
		return p.red("loading paused")
	}
	return "enabled"
}
