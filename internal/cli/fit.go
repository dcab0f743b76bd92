package cli

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// leastColumn is how narrow a column of words may become, in characters.
const leastColumn = 12

// Marks at the beginning of a header say how its column behaves. Without one it is never shortened.
const (
	toRight  = ">"
	inMiddle = "~" // names: a long name of a table differs from others at its end
	atEnd    = "<" // texts
	marks    = toRight + inMiddle + atEnd
)

func elastic(header string) bool {
	return strings.HasPrefix(header, inMiddle) || strings.HasPrefix(header, atEnd)
}

// fit shortens the widest columns that may be shortened until the grid is at most width wide, so that the numbers
// beside them stay in sight. What is still too wide then is cut off by the caller.
func (g *grid) fit(width int) {
	widths := g.widths()
	total := 0
	for _, w := range widths {
		if w > 0 {
			total += w + 2
		}
	}
	for total -= 2; total > width; total-- {
		widest := -1
		for i, w := range widths {
			if elastic(g.header[i]) && w > leastColumn && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	g.rows = slices.Clone(g.rows)
	for n, row := range g.rows {
		g.rows[n] = squeezed(row, widths, g.header)
	}
	g.footer = squeezed(g.footer, widths, g.header)
}

func squeezed(row []string, widths []int, header []string) []string {
	row = slices.Clone(row)
	for i := range row {
		row[i] = squeeze(row[i], widths[i], strings.HasPrefix(header[i], inMiddle))
	}
	return row
}

// widths are the columns' widths; 0 for columns without anything below the header, which are not shown.
func (g *grid) widths() []int {
	out := make([]int, len(g.header))
	for _, row := range append(slices.Clone(g.rows), g.footer) {
		for i, cell := range row {
			out[i] = max(out[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	for i, name := range g.header {
		if out[i] > 0 {
			out[i] = max(out[i], len(strings.TrimLeft(name, marks)))
		}
	}
	return out
}

// squeeze shortens a cell to so many characters, in its middle or at its end.
func squeeze(cell string, width int, middle bool) string {
	if text.StringWidthWithoutEscSequences(cell) <= width {
		return cell
	}
	runes := []rune(cell)
	if !middle || strings.ContainsRune(cell, '\x1b') || text.StringWidthWithoutEscSequences(cell) != len(runes) {
		return text.Trim(cell, width-1) + "…"
	}
	const tail = 9 // the digest at the end of a long name, and its _
	return string(runes[:width-1-tail]) + "…" + string(runes[len(runes)-tail:])
}
