package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/federate"
)

// keyFlags say where a key is.
type keyFlags struct{ env, file, secret string }

func (k *keyFlags) add(c *cobra.Command, prefix, what string) {
	flags := c.Flags()
	flags.StringVar(&k.env, prefix+"-env", "", "environment `VAR`iable that has "+what)
	flags.StringVar(&k.file, prefix+"-file", "", "or the `FILE` that has it")
	flags.StringVar(&k.secret, prefix+"-secret", "", "or the `NAME` of a secret: a file in $CREDENTIALS_DIRECTORY (systemd), else in /run/secrets")
	must(c.MarkFlagFilename(prefix + "-file"))
}

// shouty is what environment variables are called.
var shouty = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// reference returns what names the key; empty if no flag is given. No error shows a value: it may be the key itself.
func (k *keyFlags) reference(a *app, prefix string) (string, error) {
	given, reference := 0, ""
	for kind, name := range map[string]string{"env:": k.env, "file:": k.file, "secret:": k.secret} {
		if name == "" {
			continue
		}
		given++
		if kind == "file:" {
			path, err := filepath.Abs(name)
			if err != nil {
				return "", fmt.Errorf("find %s-file: %w", prefix, err)
			}
			name = path
		}
		reference = kind + name
	}
	switch {
	case given > 1:
		return "", &config.Error{Setting: prefix + "-env", Problem: "the key is named twice", Hint: "give one of -env, -file and -secret"}
	case given == 0:
		return "", nil
	}
	if err := federate.CheckReference(reference); err != nil {
		return "", &config.Error{Setting: prefix, Problem: err.Error()}
	}
	if k.env != "" && a.env(k.env) == "" && !shouty.MatchString(k.env) {
		// Somebody may have given the key where its variable's name is wanted, and the name is kept.
		return "", &config.Error{Setting: prefix + "-env", Problem: "there is no environment variable of that name", Hint: "give the name of the variable, not the key, or set it here"}
	}
	return reference, nil
}

// destinationFlags are those of destination add.
type destinationFlags struct {
	d                   federate.Destination
	key, hash           keyFlags
	since, integrations string
	fromNow, update     bool
}

func (a *app) destinationAdd() *cobra.Command {
	var f destinationFlags
	c := &cobra.Command{
		Use:   "add NAME --source NICKNAME --write-key-env VAR",
		Short: "Add a destination, or change one with --update",
		Long: `Add a place that the rows of a source are forwarded to. It gets all rows, from the first load on, or with --from-now
those that are loaded from here on. tapline federate sends them.

The region has to be the source's (tapline source set NICKNAME --region): Segment drops what is sent to the wrong one
without an error, and data would leave its region. Without --region it is the source's, else us; the endpoint is then
Segment's of that region.

An EVENT is named as it is sent ("App Launched"), by its table (app_launched), or, for calls that are no track call, by
the call (identify). A PROPERTY is named by its keys joined with dots (cart.total; one name covers all below it) or by its
column; those of the context begin with "context.". A dropped property wins over an allowed and over a hashed one.`,
		Example: `  tapline destination add segment --source CleverTap_Prod --region eu --write-key-env SEGMENT_WRITE_KEY
  tapline destination add segment -s Web --write-key-file /etc/tapline/segment.key --not-event "Page Left" --since 2026-01-01
  tapline destination add lab -s Web --write-key-env KEY --sample 0.1 --hash-property email --hash-key-env HASH_KEY
  tapline destination add other -s Web --write-key-env KEY --endpoint http://tapline.internal:8480 --allow-http --allow-private`,
		Args: oneArg("NAME", "give the destination a name, such as segment"),
		RunE: func(c *cobra.Command, args []string) error {
			f.d.Name = args[0]
			return a.addDestination(c.Context(), &f)
		},
	}
	a.databaseFlags(c)
	a.sourceFlags(c)
	f.key.add(c, "write-key", "the write key")
	flags := c.Flags()
	s := &f.d.Settings
	flags.StringVar(&f.d.Endpoint, "endpoint", "", "`URL` of a server that speaks Segment's Tracking API (default Segment's of the region)")
	flags.StringVar(&f.d.Region, "region", "", "`REGION` of the endpoint: us, eu (default the source's, else us)")
	flags.StringArrayVar(&s.Events, "event", nil, "send only this `EVENT`; repeatable")
	flags.StringArrayVar(&s.NotEvents, "not-event", nil, "do not send this `EVENT`; repeatable; wins over --event")
	flags.StringVar(&f.since, "since", "", "send nothing that happened before this `TIME`, such as 2026-01-31")
	flags.Float64Var(&s.Sample, "sample", 0, "send the events of this `SHARE` of the users, such as 0.1; the same users each time")
	flags.StringArrayVar(&s.Properties, "property", nil, "send only this `PROPERTY`; repeatable")
	flags.StringArrayVar(&s.NotProperties, "not-property", nil, "do not send this `PROPERTY`; repeatable")
	flags.StringArrayVar(&s.Hashed, "hash-property", nil, "send this `PROPERTY` as its HMAC-SHA-256, in hex; repeatable")
	f.hash.add(c, "hash-key", "the key of --hash-property")
	flags.StringVar(&f.integrations, "integrations", "", "`JSON` object that is sent with every event, such as '{\"All\":false,\"Mixpanel\":true}'")
	flags.Float64Var(&s.Rate, "rate", 0, "send at most this many (`N`) events a second, also when much waits")
	flags.BoolVar(&s.AllowHTTP, "allow-http", false, "allow an endpoint without TLS: everybody on the way can read the key and the events")
	flags.BoolVar(&s.AllowPrivate, "allow-private", false, "allow an endpoint on this machine or in a private network")
	flags.BoolVar(&f.fromNow, "from-now", false, "begin with the next load, not with the first")
	flags.BoolVar(&f.update, "update", false, "give a destination that is there exactly these settings; what is sent stays sent")
	complete(c, "region", []string{federate.RegionUS, federate.RegionEU})
	return c
}

// words makes values of the flags that are words.
func (f *destinationFlags) words(a *app) (err error) {
	if f.d.KeyFrom, err = f.key.reference(a, "--write-key"); err != nil {
		return err
	}
	if f.d.KeyFrom == "" {
		return &config.Error{Setting: "--write-key-env", Problem: "no write key", Hint: "name the environment variable or, with --write-key-file, the file that holds it"}
	}
	if f.d.Settings.HashKeyFrom, err = f.hash.reference(a, "--hash-key"); err != nil {
		return err
	}
	if f.d.Settings.Since, err = instant("--since", f.since, time.Now()); err != nil {
		return err
	}
	if !f.d.Settings.Since.IsZero() {
		f.d.Settings.Since = f.d.Settings.Since.UTC()
	}
	if f.integrations == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(f.integrations), &f.d.Settings.Integrations); err != nil {
		return &config.Error{Setting: "--integrations", Value: f.integrations, Problem: "no JSON object", Hint: `use one such as {"All":false,"Mixpanel":true}`}
	}
	return nil
}

func (a *app) addDestination(ctx context.Context, f *destinationFlags) error {
	if err := f.words(a); err != nil {
		return err
	}
	if a.cfg.Source == "" && a.cfg.Schema == "" {
		return a.noSource()
	}
	return a.withDestinations(ctx, func(pool *pgxpool.Pool) error {
		source, err := a.namedSource(ctx, pool)
		if err != nil {
			return err
		}
		f.d.Source = source.Nickname
		region, err := federate.RegionOf(ctx, pool, f.d.Source)
		if err != nil {
			return err
		}
		d := f.d // complete, or refused before anything else is
		if err := d.Check(region); err != nil {
			return usage(err)
		}
		if f.update {
			err = a.updateDestination(ctx, pool, &f.d, region)
		} else {
			err = federate.Add(ctx, pool, f.d, region, f.fromNow)
		}
		if err != nil {
			return err
		}
		return a.addedDestination(ctx, pool, f, region)
	})
}

func (a *app) updateDestination(ctx context.Context, pool *pgxpool.Pool, d *federate.Destination, region string) error {
	have, err := federate.Get(ctx, pool, d.Name)
	if err != nil {
		return err
	}
	if have.Source != d.Source {
		return usage(fmt.Errorf("destination %s is of source %s: remove it first, or choose another name", d.Name, have.Source))
	}
	return federate.Update(ctx, pool, *d, region)
}

func (a *app) addedDestination(ctx context.Context, pool *pgxpool.Pool, f *destinationFlags, region string) error {
	d, err := federate.Get(ctx, pool, f.d.Name)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(newDestinationJSON(d))
	}
	p := newPrinter(a.stdout, a.env)
	done := "Added"
	if f.update {
		done = "Changed"
	}
	p.line(p.green("✓") + " " + p.bold(done+" destination "+printable(d.Name)))
	p.fields(append([][2]string{
		{"source", printable(d.Source)},
		{"endpoint", printable(d.Endpoint)},
		{"region", d.Region},
		{"write key", "from " + printable(d.KeyFrom)},
	}, settingsOf(&d.Settings)...))
	a.destinationWarnings(ctx, p, d, region)
	if !f.update {
		p.heading("Next")
		p.line("  " + p.cyan(programName()+" destination test "+shellWord(d.Name)+a.sameDatabase()) + "  sends one event")
		p.line("  " + p.cyan(programName()+" federate --once"+a.sameDatabase()) + "  sends what there is")
	}
	return nil
}

// destinationWarnings tells what is missing here, or what nobody checks.
func (a *app) destinationWarnings(ctx context.Context, p *printer, d *federate.Destination, region string) {
	var warnings []string
	for _, reference := range []string{d.KeyFrom, d.Settings.HashKeyFrom} {
		if reference == "" {
			continue
		}
		if _, err := federate.KeyReader(a.env)(ctx, reference); err != nil {
			warnings = append(warnings, oneLine(err))
		}
	}
	if region == "" {
		warnings = append(warnings, fmt.Sprintf("source %s has no region, so nothing checks that its data may go to %s: tell it with %s",
			printable(d.Source), d.Region, p.cyan(programName()+" source set "+shellWord(d.Source)+" --region "+d.Region+a.sameDatabase())))
	}
	if strings.HasPrefix(d.Endpoint, "http:") {
		warnings = append(warnings, "the endpoint has no TLS: everybody on the way can read the write key and the events")
	}
	if len(warnings) == 0 {
		return
	}
	p.heading("Warnings")
	for _, w := range warnings {
		p.line("  " + p.yellow("!") + " " + w)
	}
}
