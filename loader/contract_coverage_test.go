package loader_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// ruleCases says which tests and which files of testdata/rules hold a rule of the contract. A rule that says what loads
// is held by what reads it back from Postgres.
var ruleCases = map[int][]string{
	1:  {"TestContract", "r02-names", "r07-reserved"},
	2:  {"TestContract", "r02-names"},
	3:  {"TestContract", "r02-names"},
	4:  {"TestContract", "r04-long-names"},
	5:  {"TestContract", "r05-quoting"},
	6:  {"TestContract", "r06-system-columns"},
	7:  {"TestContract", "r07-reserved"},
	8:  {"TestContract", "r08-collisions"},
	9:  {"TestContract", "r10-types", "TestEveryValueIsKept"},
	10: {"TestContract", "r10-types", "TestAdoptedTypes", "TestEveryValueIsKept"},
	11: {"TestContract", "r11-conflicts", "TestWidenStored", "TestWidenBlocked", "TestWidenTogether", "TestEveryValueIsKept"},
	12: {"TestContract", "r12-limits", "TestColumnLimit", "TestTableLimit", "TestRowOnPage"},
	13: {"TestContract", "r13-times"},
	14: {"TestContract", "r14-ids", "TestUnitKeys"},
	15: {"r15-repeated-keys"},
	16: {"TestContract", "r16-duplicates", "TestOnce", "TestRejectedDoesNotUseUpItsID"},
	17: {"TestContract", "r17-syntax", "TestManagedMode"},
	18: {"r18-order", "TestRejectedByDatabase", "TestWrongConstraint"},
	19: {"TestNewestState", "TestRefusedPeople", "TestWrongConstraintOfUsers"},
	20: {"ct-records", "r20-fold"},
	21: {"ct-records", "ct-export", "r20-fold"},
	22: {"ct-records", "TestUserIdentity", "TestCleverTapPages"},
	23: {"ct-records", "ct-export"},
	24: {"ct-records", "TestCleverTapPages", "TestCleverTapSettings", "TestFutureEvents"},
	25: {"ct-records", "TestCleverTapIDs", "TestCleverTapPages", "TestCleverTapSettings"},
	26: {"ct-named", "ct-export", "csv-segment", "TestStreams", "TestFormats"},
	27: {"TestContractFiles", "TestStreams"},
	28: {"r28-batch", "TestBatchLimit", "TestContractFiles"},
	29: {"TestContractFiles", "TestStreams"},
	30: {"TestContractFiles", "csv-segment", "TestFormats"},
	31: {"TestFormats"},
	32: {"TestRegularFiles"},
	33: {"TestUnitKeys", "TestSampleIsLoadedOnce"},
	34: {"TestNicknames"},
}

// TestEveryRuleHasACase finds rules, reasons and files that no test knows.
func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	code, tests := testCode(t)
	known := map[string]bool{}
	for rule := 1; rule <= 34; rule++ {
		if len(ruleCases[rule]) == 0 {
			t.Errorf("rule %d has no case", rule)
		}
		for _, c := range ruleCases[rule] {
			known[c] = true
			if strings.HasPrefix(c, "Test") && !tests[c] {
				t.Errorf("rule %d: there is no test %s", rule, c)
			}
		}
	}
	expected, err := filepath.Glob(rulesDir + "*.expected.jsonl")
	if err != nil || len(expected) == 0 {
		t.Fatalf("found no cases: %v", err)
	}
	reasons := map[string]bool{}
	for _, path := range append(expected, contractExpected) {
		name := strings.TrimSuffix(filepath.Base(path), ".expected.jsonl")
		if path != contractExpected && !known[name] {
			t.Errorf("%s belongs to no rule", name)
		}
		delete(known, name)
		for _, e := range readExpected(t, path) {
			reasons[e.Reason] = true
			for _, d := range e.Discards {
				reasons[d.Reason] = true
			}
		}
	}
	for c := range known {
		if !strings.HasPrefix(c, "Test") {
			t.Errorf("there is no file %s.expected.jsonl", c)
		}
	}
	for name, word := range reasonWords(t) {
		if !reasons[word] && !strings.Contains(code, "schema."+name) && !strings.Contains(code, word) {
			t.Errorf("reason %s has no case", word)
		}
	}
}

// testCode returns the text of the contract's tests but this one, and the names of all tests of the package.
func testCode(t *testing.T) (string, map[string]bool) {
	t.Helper()
	paths, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	tests := map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				tests[f.Name.Name] = true
			}
		}
		if strings.HasPrefix(path, "contract_") && path != "contract_coverage_test.go" {
			code.Write(text)
		}
	}
	return code.String(), tests
}

// reasonWords returns the words of all constants of type Reason by their names.
func reasonWords(t *testing.T) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../schema/reason.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				if word, err := strconv.Unquote(lit.Value); err == nil {
					out[v.Names[0].Name] = word
				}
			}
		}
		return true
	})
	if len(out) < 30 || out["RowTooLarge"] != "row_too_large" {
		t.Fatalf("found %d reasons: the file is read wrongly", len(out))
	}
	return out
}
