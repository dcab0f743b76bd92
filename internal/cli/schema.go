package cli

import "github.com/spf13/cobra"

func (a *app) schemaCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "schema",
		Short: "Look at the tables, find drift, and export what they hold",
		Long:  `Show the tables of a source, compare them with what they should be, and describe them to other tools.`,
		Example: `  tapline schema show --source CleverTap_Prod
  tapline schema diff --source CleverTap_Prod
  tapline schema export --format dbt --out models/clevertap_prod`,
	})
}
