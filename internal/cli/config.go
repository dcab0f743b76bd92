package cli

import (
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
)

const configHelp = `Settings that no flag and no environment variable gives are those of the configuration file: of --config, else of
TAPLINE_CONFIG, else tapline.yaml in this folder if it is there.`

// configure takes from the configuration file what flags and environment leave open. Commands that use no database do not
// look for one: the version can be asked for beside a broken file.
func (a *app) configure(c *cobra.Command) error {
	if c.Flags().Lookup("data-dir") == nil {
		return nil
	}
	var err error
	if a.file, err = config.Find(a.configFile, a.env); err != nil {
		return err
	}
	a.named = a.cfg.Source != "" || a.cfg.Schema != ""
	if c.Flags().Lookup("source") == nil {
		a.cfg.Database.Fill(a.file)
		return nil
	}
	a.cfg.Fill(a.file)
	return nil
}

// noSource says that a command needs a source and none was named.
func (a *app) noSource() error {
	hint := "name the source that the events come from, such as --source CleverTap_Prod"
	if names := a.file.Nicknames(); len(names) > 1 {
		hint = "the configuration file has several, name one: " + config.AnyOf(names, "--source ")
	}
	return &config.Error{Setting: "--source", Problem: "no source", Hint: hint}
}
