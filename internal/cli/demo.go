package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/clevertapfake"
	"github.com/tapline/tapline/internal/config"
)

// demoFlags are those of demo clevertap.
type demoFlags struct {
	listen, fault string
	events        int64
	pageSize      int
}

func (a *app) demoCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "demo",
		Short: "Things to try Tapline with",
		Long:  "Servers to try Tapline with, on this machine alone.",
	}, a.demoCleverTap())
}

func (a *app) demoCleverTap() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "clevertap",
		Short: "A server that answers as CleverTap's Get Events API does, with invented events",
		Long: `Run a server on this machine that answers as CleverTap's Get Events API does, until it is interrupted. It prints the command
that pulls its events. They are invented and always the same: a week of a shop's app in January 2026.

It is as strict as CleverTap: three requests at once, cursors untouched, no days in the future, and it does not give away the
event Notification Viewed. With --fault a third of its answers is bad in one of the ways in which CleverTap's can be: ` + faultNames() + `.`,
		Example: `  tapline demo clevertap
  tapline demo clevertap --fault all --page-size 50
  tapline demo clevertap --events 1000000 --listen 127.0.0.1:8086`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS` of this machine (default a free port)")
	flags.Int64Var(&f.events, "events", 5000, "how many (`N`) events there are")
	flags.StringVar(&f.fault, "fault", "", "`FAULT` that happens")
	flags.IntVar(&f.pageSize, "page-size", 0, "how many (`N`) records an answer has at most (default as many as are asked for)")
	return c
}

func faultNames() string {
	var names []string
	for _, f := range clevertapfake.Faults() {
		names = append(names, string(f))
	}
	return strings.Join(append(names, string(clevertapfake.CursorLoop)), ", ")
}

// demoJSON is what demo --json prints once it is ready.
type demoJSON struct {
	URL     string   `json:"url"`
	Account string   `json:"account"`
	Events  int64    `json:"events"`
	Env     []string `json:"environment"`
	Pull    []string `json:"pull"`
}

func (a *app) demo(ctx context.Context, f *demoFlags) (err error) {
	fault, err := clevertapfake.FaultOf(f.fault)
	if err != nil {
		return &config.Error{Setting: "--fault", Value: f.fault, Problem: err.Error()}
	}
	if f.events < 1 || f.pageSize < 0 {
		return usage(errors.New("--events must be at least 1, and --page-size not be negative"))
	}
	people, err := clevertapfake.NewPopulation(clevertapfake.PopulationOptions{Events: f.events, Seed: 1})
	if err != nil {
		return err
	}
	s, err := clevertapfake.New(clevertapfake.Options{
		Population: people, PageSize: f.pageSize, Fault: fault, NotExportable: []string{"Notification Viewed"}, Pending: 1,
	})
	if err != nil {
		return err
	}
	if err := s.Start(f.listen); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := a.demoReady(s, people); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// demoReady says what to type.
func (a *app) demoReady(s *clevertapfake.Server, people *clevertapfake.Population) error {
	first, last := people.Days()
	dashed := func(n int) string { return fmt.Sprintf("%04d-%02d-%02d", n/10_000, n/100%100, n%100) }
	out := demoJSON{
		URL: s.URL(), Account: clevertapfake.DefaultAccount, Events: people.Len(),
		Env: []string{config.PasscodeEnv + "=" + clevertapfake.DefaultPasscode},
		Pull: []string{
			"pull", "--source", "CleverTap_Demo", "--endpoint", s.URL(), "--account-id", clevertapfake.DefaultAccount,
			"--timezone", "Asia/Kolkata", "--from", dashed(first), "--to", dashed(last),
		},
	}
	if a.json {
		return a.writeJSON(out)
	}
	p := newPrinter(a.stdout, a.env)
	p.line(p.bold("CleverTap's Get Events API, invented, is at " + out.URL))
	p.line(fmt.Sprintf("  %s from %s to %s. Ctrl-C ends it. In another terminal:", plural(out.Events, "event", "events"), dashed(first), dashed(last)))
	p.line()
	p.line("  " + p.cyan("export "+out.Env[0]))
	p.line("  " + p.cyan(programName()+" "+strings.Join(out.Pull, " ")))
	return nil
}
