package cli

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tapline/tapline/internal/admin"
	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/migrations"
)

func (a *app) migrateGenerate() *cobra.Command {
	var f planFlags
	var name string
	c := &cobra.Command{
		Use:   "generate --dir FOLDER",
		Short: "Write what the schema lacks as the next numbered migrations of a folder",
		Long: `Write what the schema lacks as the next numbered migrations of a folder, an up and a down file each. They are SQL that
both tapline migrate up and golang-migrate's own command apply; what each records about itself is part of it. Of a source
that is not set up yet the first file makes everything, the control schema and the source's row in it included. Migrations
that loads made and applied themselves, and that the folder lacks, are written too: so a source goes from --evolve auto to
managed.

` + lacksHelp + `

Files of the folder that are not applied yet have to be applied, or deleted, first: nobody knows what is missing after them.
What is written is yours: edit it before it is applied, not after.`,
		Example: `  tapline migrate generate --source CleverTap_Prod --dir migrations
  tapline migrate generate --source CleverTap_Prod --dir migrations --waiting --name purchases
  tapline migrate generate --source CleverTap_Prod --dir migrations --events exports/`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.dir == "" {
				return &config.Error{Setting: "--dir", Problem: "no folder", Hint: "name the one to write into, such as --dir migrations"}
			}
			if name != "" && !fileTitle.MatchString(name) {
				return &config.Error{Setting: "--name", Value: name, Problem: "no name for a file", Hint: "use small letters, digits and _, such as add_prices"}
			}
			return a.withMigrations(c.Context(), &f.migrateFlags, mayLack, func(m *migration) error {
				return a.generate(c.Context(), m, &f, name)
			})
		},
	}
	f.flags(a, c)
	c.Flags().StringVar(&name, "name", "", "`NAME` of the new files after their number (default: what they do)")
	return c
}

var fileTitle = regexp.MustCompile(`^[a-z0-9][a-z0-9_]{0,99}$`)

type generateJSON struct {
	admin.Source
	Dir        string          `json:"dir"`
	Files      []generatedJSON `json:"files"`
	Parameters string          `json:"migrate_parameters"` // of golang-migrate's URL
}

type generatedJSON struct {
	Version uint   `json:"version"`
	Name    string `json:"name"`
	Up      string `json:"up"`
	Down    string `json:"down"`
	Applied bool   `json:"applied"`
}

func (a *app) generate(ctx context.Context, m *migration, f *planFlags, name string) error {
	p, err := a.propose(ctx, m, f, name)
	if err != nil {
		return err
	}
	var files []migrations.File
	if m.Migrator == nil {
		files, err = migrations.ForNewFolder(p, m.folder)
	} else {
		files, err = m.ForFolder(ctx, m.Nickname, p, m.folder)
	}
	if err != nil {
		return err
	}
	if err := migrations.WriteFolder(f.dir, files); err != nil {
		return err
	}
	if a.json {
		out := generateJSON{Source: m.Source, Dir: f.dir, Files: []generatedJSON{}, Parameters: migrations.StockParameters(m.Schema).Encode()}
		for _, file := range files {
			names := migrations.FileNames(file)
			out.Files = append(out.Files, generatedJSON{file.Version, file.Name, filepath.Join(f.dir, names[0]), filepath.Join(f.dir, names[1]), file.Applied()})
		}
		return a.writeJSON(out)
	}
	newPrinter(a.stdout, a.env).generated(m, f, files, m.flags(a, &f.migrateFlags))
	return nil
}

func (p *printer) generated(m *migration, f *planFlags, files []migrations.File, flags string) {
	if len(files) == 0 {
		p.line(p.green("✓") + " Nothing to write: schema " + m.Schema + " lacks nothing, and the folder has what is applied.")
		return
	}
	p.line(p.green("✓") + " " + p.bold(fmt.Sprintf("Wrote %s into %s", plural(len(files), "migration", "migrations"), printable(f.dir))))
	g := &grid{header: []string{">VERSION", "~FILE", "STATUS"}}
	waiting := 0
	for _, file := range files {
		status := p.green("applied")
		if !file.Applied() {
			status = p.yellow("waiting")
			waiting++
		}
		g.add(strconv.Itoa(int(file.Version)), migrations.FileNames(file)[0], status)
	}
	p.print(g)
	p.heading("Next")
	if waiting == 0 {
		p.line("  " + p.cyan(programName()+" migrate status"+flags))
		return
	}
	p.line("  " + p.cyan(programName()+" migrate up"+flags))
	p.line("  " + p.dim("or, with golang-migrate's own command:"))
	if m.Migrator == nil || !m.known {
		p.line("  " + p.cyan("psql "+shellWord(m.stockURL("postgres", false))+" -c "+shellWord(`create schema if not exists "`+m.Schema+`"`)))
	}
	p.line("  " + p.cyan(m.stockCommand(f.dir)))
}

// stockCommand is golang-migrate's own command for the files. It does not find a socket whose path has a blank in it, however
// that is written: the private Postgres can be reached over TCP too, with a password.
func (m *migration) stockCommand(dir string) string {
	at, password := m.stockURL("pgx5", true), ""
	if m.server != nil && m.server.local != nil && strings.Contains(m.server.DSN, "%20") {
		u, err := url.Parse(at)
		if err == nil {
			q := u.Query()
			u.Host = "127.0.0.1:" + q.Get("port")
			q.Del("host")
			q.Del("port")
			q.Set("sslmode", "disable")
			u.RawQuery = q.Encode()
			at, password = u.String(), `PGPASSWORD="$(cat `+shellWord(m.server.local.PasswordFile())+`)" `
		}
	}
	return password + "migrate -path " + shellWord(dir) + " -database " + shellWord(at) + " up"
}

// stockURL is the URL of the database for golang-migrate's command, without the password: PGPASSWORD has it.
func (m *migration) stockURL(scheme string, parameters bool) string {
	u := url.URL{Scheme: scheme, Host: "HOST:5432", Path: "/DATABASE"}
	q := url.Values{}
	if m.server != nil {
		if cfg, err := pgxpool.ParseConfig(m.server.DSN); err == nil {
			c := cfg.ConnConfig
			u.Host, u.Path = "", "/"+c.Database
			if c.User != "" {
				u.User = url.User(c.User)
			}
			if filepath.IsAbs(c.Host) {
				q.Set("host", c.Host)
				q.Set("port", strconv.Itoa(int(c.Port)))
			} else {
				u.Host = c.Host + ":" + strconv.Itoa(int(c.Port))
				if c.TLSConfig == nil {
					q.Set("sslmode", "disable")
				}
			}
		}
	}
	if parameters {
		for name, values := range migrations.StockParameters(m.Schema) {
			q[name] = values
		}
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // to psql a plus sign is one
	return u.String()
}
