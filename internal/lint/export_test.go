package lint

import "strings"

// Statements returns the texts of the statements.
func Statements(sql string) (texts []string) {
	for _, s := range split(sql, lex(sql)) {
		texts = append(texts, strings.TrimSpace(sql[s.tokens[0].start:s.tokens[len(s.tokens)-1].end]))
	}
	return texts
}

// Spans returns where tokens begin and end.
func Spans(sql string) (spans [][2]int) {
	for _, t := range lex(sql) {
		spans = append(spans, [2]int{t.start, t.end})
	}
	return spans
}

// CutLines returns a text without the lines that hold a word.
func CutLines(text, word string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, word) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
