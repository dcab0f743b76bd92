// Package cli is the command line: one file a command. It is the only place that wires the other packages together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/config"
)

// app is what all commands share during one Run.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	cfg            config.Config
	configFile     string       // of --config
	file           *config.File // never nil once a command runs
	named          bool         // a flag says which source, not the file
	json, quiet    bool
	logFormat      string
	logLevel       string
	log            *slog.Logger

	started  bool // a command ran: errors are not the command line's any more
	answered bool // the JSON document is written
}

// Run runs one command line and returns the process's exit code. It reads no environment but env, whose entries are
// NAME=value; pgx alone reads the PG variables of the process.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	out := &output{Writer: stdout}
	a := &app{stdin: stdin, stdout: out, stderr: stderr, environ: env, file: &config.File{}, log: slog.New(slog.DiscardHandler)}
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil && out.err != nil {
		a.started, a.answered = true, true // as far as it got
		err = fmt.Errorf("%w. The command did its work, only its output is lost", out.err)
	}
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	if !a.started {
		code = exitUsage
		a.json = a.json || slices.Contains(args, "--json") // a wrong flag may stand before it
	}
	var silent *exitError
	if !errors.As(err, &silent) || silent.err != nil {
		a.complain(cmd, err, code)
	}
	return code
}

// complain tells the error: in words on stderr, or as the JSON document that the command did not get to write.
func (a *app) complain(cmd *cobra.Command, err error, code int) {
	message := describe(err)
	if !a.answered {
		a.neverRan(cmd, err, code)
	}
	if a.json && !a.answered {
		_ = a.writeJSON(errorJSON{Error: message, ExitCode: code}) // there is no third way to say it
		return
	}
	p := newPrinter(a.stderr, a.env)
	p.line(p.red("tapline: ") + message)
	if !a.started {
		p.line("See " + cmd.CommandPath() + " --help")
	}
}

// output keeps the first error of writing: a report in a file on a full disk is none.
type output struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

type errorJSON struct {
	Error    string `json:"error"`
	ExitCode int    `json:"exit_code"`
}

func (a *app) env(name string) string {
	for _, entry := range a.environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
