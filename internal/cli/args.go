package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tapline/tapline/internal/config"
)

// noArgs refuses arguments. For a command that only has others below it, an argument is a misspelt one of these.
func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case !c.HasAvailableSubCommands():
		return fmt.Errorf("%s takes no arguments, and was given %q", c.CommandPath(), args[0])
	}
	if c.SuggestionsMinimumDistance == 0 {
		c.SuggestionsMinimumDistance = 2 // cobra sets it only in its own complaint
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if c.HasParent() {
		text += " of " + c.CommandPath()
	}
	return errors.New(text + meant("", c.SuggestionsFor(args[0])))
}

// oneArg wants exactly one argument and says what it is.
func oneArg(name, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return &config.Error{Setting: name, Problem: "not given", Hint: what}
		case 1:
			return nil
		}
		return &config.Error{Setting: name, Value: args[1], Problem: "one too many", Hint: "give one at a time"}
	}
}

// atLeastOne refuses a --limit that would show nothing, which looks as if nothing were there.
func atLeastOne(flag string, n int) error {
	if n < 1 {
		return &config.Error{Setting: flag, Value: fmt.Sprint(n), Problem: "too few", Hint: "use 1 or more"}
	}
	return nil
}

// flagError adds to an error of the flags what was probably meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	if c.Name() == "psql" {
		return fmt.Errorf("%w. Arguments of psql itself go after --, as in: tapline psql -- -c 'select 1'", err)
	}
	// cobra knows how to look for similar names, if they are those of commands.
	like := &cobra.Command{SuggestionsMinimumDistance: 2}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		like.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	return errors.New(err.Error() + meant("--", like.SuggestionsFor(unknown.GetSpecifiedName())))
}

// meant asks whether one of some words was meant.
func meant(prefix string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	return ". Did you mean " + config.AnyOf(words, prefix) + "?"
}

// helpCommand is cobra's, but a wrong word is an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Show the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			topic, rest, err := c.Root().Find(args)
			if err == nil {
				err = noArgs(topic, rest)
			}
			if err != nil {
				return usage(err)
			}
			return topic.Help()
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if topic, _, err := c.Root().Find(args); err == nil {
				for _, sub := range topic.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, sub.Name()+"\t"+sub.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// strict makes a misspelt word an error also where cobra would show the help (tapline completion bsh), and keeps shells
// from offering files to commands that take none.
func strict(c *cobra.Command) {
	if c.HasSubCommands() && !c.Runnable() {
		c.Args = noArgs
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if c.ValidArgsFunction == nil && c.Name() != "load" && c.Name() != "psql" {
		c.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}
