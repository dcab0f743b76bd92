package cli

import (
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tapline",
		Short: "Load CleverTap and Segment events into Postgres: one typed table per event, exactly once",
		Long: `Tapline loads CleverTap and Segment events from files into Postgres: one typed table per event, in a schema
named after the source. A file is loaded whole or not at all, and never twice.

` + databaseHelp + `

` + exitHelp,
		Example: `  tapline load events.ndjson.gz --source CleverTap_Prod
  tapline psql --source CleverTap_Prod
  tapline status`,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := a.setLogger(); err != nil {
				return err
			}
			if err := c.ValidateFlagGroups(); err != nil { // cobra would look after this
				return err
			}
			a.started = true // what is wrong from here on is not the command line
			return a.configure(c)
		},
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print one JSON document on stdout instead of text")
	flags.StringVar(&a.configFile, "config", "", "configuration `FILE` (default $TAPLINE_CONFIG, then tapline.yaml here if it is there)")
	must(root.MarkPersistentFlagFilename("config", "yaml", "yml"))
	flags.StringVar(&a.logFormat, "log-format", "text", "`FORMAT` of the log on stderr: text or json")
	flags.StringVar(&a.logLevel, "log-level", "warn", "least `LEVEL` of the log: debug, info, warn, error or off")
	complete(root, "log-format", []string{"text", "json"})
	complete(root, "log-level", logLevels())
	root.AddGroup(&cobra.Group{ID: "load", Title: "Load and look:"}, &cobra.Group{ID: "keep", Title: "Look after:"},
		&cobra.Group{ID: "run", Title: "On a schedule:"},
		&cobra.Group{ID: "server", Title: "Postgres:"})
	for group, commands := range map[string][]*cobra.Command{
		"load": {
			a.loadCommand(), a.pullCommand(), a.verifyCommand(), a.statusCommand(), a.quarantineCommand(), a.psqlCommand(), a.schemaCommand(),
			a.federateCommand(), a.serveCommand(), a.workerCommand(),
		},
		"keep":   {a.sourceCommand(), a.destinationCommand(), a.loadsCommand(), a.pruneCommand(), a.migrateCommand()},
		"run":    {a.runCommand(), a.jobsCommand(), a.configCommand(), a.alertsCommand()},
		"server": {a.doctorCommand(), a.rolesCommand(), a.postgresCommand(), a.benchCommand()},
		"":       {a.demoCommand(), a.versionCommand()},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.InitDefaultCompletionCmd() // writes to the output that is set by now
	strict(root)
	a.count(root)
	return root
}

// count makes every command note that it ran: an error before that is one of the command line.
func (a *app) count(c *cobra.Command) {
	if run := c.RunE; run != nil {
		c.RunE = func(cmd *cobra.Command, args []string) error {
			a.started = true
			return run(cmd, args)
		}
	}
	for _, sub := range c.Commands() {
		a.count(sub)
	}
}

// group makes a command that only has commands below it. Unlike cobra's default, a wrong word is an error.
func group(c *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	c.Args = noArgs
	c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	c.AddCommand(commands...)
	return c
}

func logLevels() []string { return []string{"debug", "info", "warn", "error", "off"} }

func (a *app) setLogger() error {
	if !slices.Contains(logLevels(), a.logLevel) {
		return &config.Error{Setting: "--log-level", Value: a.logLevel, Problem: "unknown level", Hint: fmt.Sprint("use one of ", logLevels())}
	}
	log, err := a.logger(a.logLevel)
	if err == nil {
		a.log = log
	}
	return err
}

// logger returns a logger of a level, in the format that was asked for.
func (a *app) logger(name string) (*slog.Logger, error) {
	if name == "off" {
		return slog.New(slog.DiscardHandler), nil
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, fmt.Errorf("read --log-level: %w", err)
	}
	opts := &slog.HandlerOptions{Level: level}
	var w io.Writer = a.stderr
	if _, ok := terminal(w); ok {
		w = clearing{w}
	}
	switch a.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, &config.Error{Setting: "--log-format", Value: a.logFormat, Problem: "unknown format", Hint: "use text or json"}
}

// clearing makes a line of the log not begin in the middle of the progress bar.
type clearing struct{ io.Writer }

// Write implements io.Writer.
func (c clearing) Write(p []byte) (int, error) {
	if _, err := io.WriteString(c.Writer, clearLine); err != nil {
		return 0, err
	}
	return c.Writer.Write(p)
}

// complete offers fixed words for a flag.
func complete(c *cobra.Command, flag string, words []string) {
	must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// must is for errors that only a mistake in this package can cause, seen at the first run of any command.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
