package cli

import "github.com/spf13/cobra"

func (a *app) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Plan, write, check and apply the migrations of a source's schema",
		Long: `The schema of a source changes by numbered migrations. With --evolve auto loads make and apply them as events need
them. With --evolve managed you do: generate writes them as files, which are reviewed like code, and up applies them, here
or with golang-migrate's own command.

` + databaseHelp,
		Example: `  tapline migrate plan --source CleverTap_Prod
  tapline migrate generate --source CleverTap_Prod --dir migrations
  tapline migrate up --source CleverTap_Prod --dir migrations`,
	}
	return group(c)
}
