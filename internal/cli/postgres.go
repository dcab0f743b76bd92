package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/localpg"
)

type postgresJSON struct {
	Exists  bool   `json:"exists"`
	Running bool   `json:"running"`
	PID     int    `json:"pid,omitempty"`
	Port    int    `json:"port,omitempty"`
	Version string `json:"version"`
	DataDir string `json:"data_dir"`
	Folder  string `json:"postgres_data_dir"`
	LogFile string `json:"log_file"`
	DSN     string `json:"dsn,omitempty"`
}

func (a *app) postgresCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "postgres",
		Short: "Start, stop or look at the private Postgres",
		Long: `Tapline runs a private Postgres for those who have none, with the Postgres programs of this machine. It is reached
over a unix socket that only this account and root can use, and goes on running when a command has ended.`,
		Example: `  tapline postgres status
  tapline postgres stop`,
	}
	verb := func(use, short string, run func(context.Context, *localpg.Cluster) error) *cobra.Command {
		v := &cobra.Command{
			Use: use, Short: short, Example: "  tapline postgres " + use + "\n  tapline postgres " + use + " --data-dir /srv/tapline",
			Args: noArgs,
			RunE: func(c *cobra.Command, _ []string) error { return a.postgres(c.Context(), run) },
		}
		a.dataDirFlag(v)
		return v
	}
	return group(c,
		verb("start", "Start it, and create it if there is none", func(ctx context.Context, c *localpg.Cluster) error { return c.Start(ctx) }),
		verb("stop", "Stop it; open transactions are rolled back", func(ctx context.Context, c *localpg.Cluster) error {
			return c.Stop(ctx, localpg.Fast)
		}),
		verb("status", "Say whether it runs and how to reach it", func(context.Context, *localpg.Cluster) error { return nil }))
}

// postgres does something to the private cluster and tells how it is then.
func (a *app) postgres(ctx context.Context, do func(context.Context, *localpg.Cluster) error) error {
	dir, err := a.dataDir()
	if err != nil {
		return err
	}
	cluster, err := localpg.Open(dir, localpg.Options{Logger: a.log})
	if err != nil {
		return fmt.Errorf("open private Postgres: %w", err)
	}
	if err := do(ctx, cluster); err != nil {
		return err
	}
	st, err := cluster.Status(ctx)
	if err != nil {
		return fmt.Errorf("look at private Postgres: %w", err)
	}
	out := postgresJSON{
		Exists: clusterExists(dir), Running: st.Running, PID: st.PID, Port: st.Port, Version: st.Version,
		DataDir: dir, Folder: st.DataDir, LogFile: st.LogFile, DSN: st.DSN,
	}
	if a.json {
		return a.writeJSON(out)
	}
	newPrinter(a.stdout, a.env).postgres(&out)
	return nil
}

func (p *printer) postgres(st *postgresJSON) {
	switch {
	case !st.Exists:
		p.line("There is no private Postgres in " + st.DataDir + " yet.")
		p.line("Make one with " + p.cyan("tapline postgres start") + ", or just load something.")
		return
	case !st.Running:
		p.line(p.yellow("○") + " " + p.bold("Postgres "+st.Version+" is stopped"))
	default:
		p.line(p.green("●") + " " + p.bold("Postgres "+st.Version+" is running"))
	}
	rows := [][2]string{{"data", st.Folder}, {"log", st.LogFile}}
	if st.Running {
		rows = append([][2]string{{"DSN", st.DSN}, {"port", strconv.Itoa(st.Port) + " on loopback, with a password"}, {"process", strconv.Itoa(st.PID)}}, rows...)
	}
	p.fields(rows)
}
