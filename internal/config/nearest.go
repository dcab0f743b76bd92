package config

import "strings"

// nearest returns the word that key was probably meant to be: one that two typing errors, or a third of its letters, make
// of it, or that it begins. It returns "" if there is none.
func nearest(key string, words []string) string {
	best, least := "", max(2, len(key)/3)+1
	folded := strings.ToLower(strings.NewReplacer("-", "_", " ", "_").Replace(key))
	for _, word := range words {
		n := distance(folded, word)
		if strings.HasPrefix(word, folded) && len(folded) > 2 {
			n = min(n, 1)
		}
		if n < least && n < len(word) {
			best, least = word, n
		}
	}
	return best
}

// distance is how many letters have to be inserted, removed or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
