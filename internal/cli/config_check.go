package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
)

func (a *app) configCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "config",
		Short: "Check the configuration file, and print its JSON Schema for editors",
		Example: `  tapline config check
  tapline config schema > tapline.schema.json`,
	}, a.configCheck(), a.configSchema())
}

// configCheckJSON is the document of config check.
type configCheckJSON struct {
	File     string           `json:"file"`
	Errors   int              `json:"errors"`
	Warnings int              `json:"warnings"`
	Findings []config.Finding `json:"findings"`
}

func (a *app) configCheck() *cobra.Command {
	strict := false
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Find everything that is wrong with the configuration file, with its lines",
		Long: `Find everything that is wrong with a configuration file: settings that there are not, with the nearest that there is, values
of another kind, time zones, schedules, sources that are not declared, flags in a job's args. What the file names and is not
here, environment variables, files and inputs, is a warning: it may be there where tapline runs.

FILE is the one of --config, else of TAPLINE_CONFIG, else tapline.yaml. Nothing is connected to.

Exit codes: 0 nothing is wrong; 2 with --strict, there are only warnings; 64 something is wrong, or there is no such file.`,
		Example: `  tapline config check
  tapline config check deploy/tapline.yaml --strict
  tapline config check --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := a.configFile
			if len(args) > 0 {
				path = args[0]
			}
			if path == "" {
				path = a.env("TAPLINE_CONFIG")
			}
			if path == "" {
				path = config.DefaultFile
			}
			return a.checkConfig(path, strict)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	c.Flags().BoolVar(&strict, "strict", false, "exit code 2 if there are warnings")
	return c
}

func (a *app) checkConfig(path string, strict bool) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && path == config.DefaultFile {
		return &config.Error{Setting: "FILE", Problem: "there is no " + path + " here", Hint: "name the file, or copy tapline.example.yaml"}
	}
	f, findings, err := config.Check(path, a.env)
	if err != nil {
		return err
	}
	a.file = f
	findings = append(findings, a.checkJobArgs(f)...)
	config.Sort(findings)
	out := configCheckJSON{File: path, Findings: list(findings)}
	for i := range findings {
		if findings[i].Warning {
			out.Warnings++
		} else {
			out.Errors++
		}
	}
	if a.json {
		err = a.writeJSON(out)
	} else {
		newPrinter(a.stdout, a.env).checked(&out)
	}
	switch {
	case err != nil:
		return err
	case out.Errors > 0:
		return &exitError{code: exitUsage}
	case out.Warnings > 0 && strict:
		return &exitError{code: exitFound}
	}
	return nil
}

// checkJobArgs reads the command lines of the jobs that are right so far.
func (a *app) checkJobArgs(f *config.File) (found []config.Finding) {
	for _, name := range f.JobNames() {
		s, ok := f.Job(name)
		if !ok || jobCommands()[s.Kind] == nil {
			continue
		}
		var e *config.Error
		if err := a.checkJobCommand(s); errors.As(err, &e) {
			problem := strings.TrimPrefix(e.Problem, "job "+name+": ")
			if e.Value != "" {
				problem = e.Setting + ` "` + e.Value + `": ` + problem
			}
			found = append(found, config.NewFinding(f.Wrong(problem, e.Hint, "jobs", name, e.Setting), false))
		}
	}
	return found
}

func (p *printer) checked(c *configCheckJSON) {
	for i := range c.Findings {
		f := &c.Findings[i]
		mark := p.red("✗")
		if f.Warning {
			mark = p.yellow("!")
		}
		p.line(mark + " " + printable(f.String()))
	}
	switch {
	case c.Errors > 0:
		p.line(p.red("✗") + " " + printable(c.File) + ": " + plural(c.Errors, "thing is wrong", "things are wrong"))
	case c.Warnings > 0:
		p.line(p.green("✓") + " " + printable(c.File) + " is right; " + plural(c.Warnings, "thing is not here", "things are not here"))
	default:
		p.line(p.green("✓") + " " + printable(c.File) + " is right")
	}
}

func (a *app) configSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file",
		Long: `Print the JSON Schema of the configuration file, with which editors complete settings and mark mistakes. tapline.example.yaml
names it in its first line, in the way that the YAML language server (VS Code, Neovim, JetBrains and others) reads.`,
		Example: "  tapline config schema > tapline.schema.json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			a.answered = true
			e := json.NewEncoder(a.stdout)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			return e.Encode(config.Schema())
		},
	}
}
