package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// printer writes text for people. Errors of writing are kept by output.
type printer struct {
	w     io.Writer
	color bool
	width int // of the terminal; 0 if there is none
}

func newPrinter(w io.Writer, env func(string) string) *printer {
	p := &printer{w: w}
	fd, ok := terminal(w)
	if !ok {
		return p
	}
	p.color = env("NO_COLOR") == "" && env("TERM") != "dumb"
	p.width = 80
	if width, _, err := term.GetSize(fd); err == nil && width > 0 {
		p.width = width
	}
	return p
}

// terminal returns the descriptor of a reader or writer that is a terminal.
func terminal(v any) (fd int, ok bool) {
	if o, ok := v.(*output); ok {
		v = o.Writer
	}
	f, ok := v.(interface{ Fd() uintptr })
	if !ok {
		return 0, false
	}
	fd = int(f.Fd())
	return fd, term.IsTerminal(fd)
}

func (p *printer) line(parts ...string) { _, _ = io.WriteString(p.w, strings.Join(parts, "")+"\n") }

func (p *printer) linef(format string, args ...any) { p.line(fmt.Sprintf(format, args...)) }

func (p *printer) paint(code, s string) string {
	if !p.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) bold(s string) string   { return p.paint("1", s) }
func (p *printer) dim(s string) string    { return p.paint("2", s) }
func (p *printer) red(s string) string    { return p.paint("31", s) }
func (p *printer) green(s string) string  { return p.paint("32", s) }
func (p *printer) yellow(s string) string { return p.paint("33", s) }
func (p *printer) cyan(s string) string   { return p.paint("36", s) }

// heading starts a part of the output.
func (p *printer) heading(s string) {
	p.line()
	p.line(p.bold(s))
}

// grid is a table to print. A mark at the beginning of a header, such as > for numbers, says how its column is shown.
type grid struct {
	header []string
	rows   [][]string
	footer []string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// print writes a table without frames: header, line, rows, line, footer.
func (p *printer) print(g *grid) {
	t := table.NewWriter()
	style := table.StyleLight
	style.Options = table.Options{SeparateHeader: true, SeparateFooter: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format = table.FormatOptions{}
	t.SetStyle(style)
	var header table.Row
	var columns []table.ColumnConfig
	for i, h := range g.header {
		align := text.AlignLeft
		if strings.HasPrefix(h, toRight) {
			align = text.AlignRight
		}
		header = append(header, p.dim(strings.TrimLeft(h, marks)))
		columns = append(columns, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align, AlignFooter: align})
	}
	t.SetColumnConfigs(columns)
	t.AppendHeader(header)
	if p.width > 0 {
		g.fit(p.width - 3)
	}
	for _, r := range g.rows {
		t.AppendRow(cells(r))
	}
	t.SuppressEmptyColumns()
	if g.footer != nil {
		t.AppendFooter(cells(g.footer))
	}
	lines := strings.Split(t.Render(), "\n")
	width := 0
	for i, line := range lines {
		if lines[i] = strings.TrimRight(line, " "); !strings.HasPrefix(line, rule) {
			width = max(width, text.StringWidthWithoutEscSequences(lines[i]))
		}
	}
	if p.width > 0 {
		width = min(width, p.width-3)
	}
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, rule):
			line = p.dim(strings.Repeat(rule, width))
		case p.width > 0 && text.StringWidthWithoutEscSequences(line) > width:
			line = text.Trim(line, width-1) + "…"
		}
		p.line("  " + line)
	}
}

// rule is what lines between header, rows and footer are made of.
const rule = "─"

func cells(words []string) table.Row {
	row := make(table.Row, len(words))
	for i, w := range words {
		row[i] = w
	}
	return row
}
