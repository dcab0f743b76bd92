package lint

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Notice  Severity = "notice"
)

// Severities returns all severities, the worst first.
func Severities() []Severity { return []Severity{Error, Warning, Notice} }

// AtLeast reports whether s is as bad as least, or worse.
func (s Severity) AtLeast(least Severity) bool { return rank[s] >= rank[least] }

var rank = map[Severity]int{Notice: 1, Warning: 2, Error: 3}

// Rule is one thing that Lint looks for.
type Rule struct {
	ID       string   `json:"rule"`
	Severity Severity `json:"severity"`
	// About says in a few words what is found.
	About string `json:"about"`
}

// Rules returns all rules in the order of README.
func Rules() []Rule {
	return []Rule{
		{"table-rewrite", Warning, "every row is written anew while nobody can read: type changes, volatile defaults, set tablespace, set logged"},
		{"narrowing", Error, "a column's new type does not hold all values of the old one"},
		{"add-not-null", Error, "a new column that is not null has no default: fails on a table with rows"},
		{"index-lock", Warning, "an index is made, rebuilt or dropped without concurrently"},
		{"foreign-key-lock", Warning, "a foreign key without not valid"},
		{"check-lock", Warning, "a check without not valid"},
		{"not-null-lock", Warning, "set not null without a validated check"},
		{"unique-lock", Warning, "a unique, primary key or exclusion constraint that makes its own index"},
		{"validate-same-file", Warning, "a constraint is validated in the file that adds it"},
		{"full-table-lock", Warning, "vacuum full, cluster, refresh materialized view or detach partition without concurrently"},
		{"lock-timeout", Warning, "DDL on what exists without a lock_timeout before it"},
		{"drop-table", Error, "a table or view is dropped"},
		{"drop-column", Error, "a column is dropped"},
		{"drop-schema", Error, "a schema or database is dropped"},
		{"drop-type", Error, "a type, domain, sequence or extension is dropped"},
		{"drop-cascade", Error, "cascade drops whatever depends on it"},
		{"truncate", Error, "all rows of a table are deleted"},
		{"delete-without-where", Error, "all rows of a table are deleted"},
		{"update-without-where", Warning, "all rows of a table are written anew in one transaction"},
		{"rename", Warning, "a table, column, view, schema or type gets another name, or another schema"},
		{"unqualified-name", Warning, "a name without its schema: search_path decides what it is"},
		{"concurrently-in-transaction", Error, "what cannot run in a transaction stands in a file with other statements"},
		{"transaction-control", Warning, "begin, commit or rollback in a file that is a transaction already"},
		{"dollar-quote", Error, "a body in dollar quotes that ends too early, or that would be split"},
		{"syntax", Error, "a quote, comment or parenthesis that never ends"},
		{"missing-down", Warning, "an up file without a down file"},
		{"missing-up", Error, "a down file without an up file"},
		{"down-incomplete", Warning, "the down file does not take back what the up file does"},
		{"number-gap", Error, "a number is missing"},
		{"duplicate-number", Error, "two files have the same number"},
		{"file-name", Warning, "a .sql file that golang-migrate does not see"},
		{"empty-file", Notice, "a file without a statement"},
		{"ignore-without-reason", Error, "an ignore comment without a reason, or about no rule"},
		{"ignore-unused", Notice, "an ignore comment that nothing needs"},
	}
}

// Finding is one thing that is wrong at one place.
type Finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`   // from 1
	Column   int      `json:"column"` // from 1, in characters
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Why says what is wrong and why it hurts, Fix what to write instead.
	Why string `json:"why"`
	Fix string `json:"fix"`
}
