package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.file("good.yaml", "sources: {Web: {}}\njobs: {a: {kind: prune, args: [--loads-older-than, 3d]}}\n")
	contains(t, w.must(0, "config", "check", good).stdout, "✓ "+good+" is right\n")
	contains(t, w.must(0, "config", "check", "--config", good).stdout, "✓ "+good)
	warned := w.file("warned.yaml", "database: {dsn_env: NOT_HERE}\n")
	contains(t, w.must(0, "config", "check", warned).stdout, "! "+warned+":1:12: warning: the environment variable NOT_HERE is not set here", "is right; 1 thing is not here")
	w.must(2, "config", "check", warned, "--strict")
	wrong := w.file("wrong.yaml", "sources: {Web: {}}\njobs:\n  a: {kind: prune, args: [--loads-oldr-than, 3d]}\n  b: {kind: laod}\n")
	contains(t, w.must(64, "config", "check", wrong).stdout, "✗ "+wrong+":3:20: unknown flag: --loads-oldr-than. Did you mean --loads-older-than?",
		"✗ "+wrong+":4:7: kind \"laod\"", "2 things are wrong")
	endless := w.file("endless.yaml", "sources: {Web: {}}\njobs:\n  a: {kind: load, inputs: [x*], args: [--watch, 9s]}\n  b: {kind: verify, args: [today]}\n")
	contains(t, w.must(64, "config", "check", endless).stdout, "✗ "+endless+":3:33: --watch goes on for ever, and so would a run: make it watch: 9s",
		"✗ "+endless+":4:21: tapline verify takes no arguments, and was given \"today\"")
	var doc struct {
		Errors   int `json:"errors"`
		Findings []struct {
			Line int `json:"line"`
		} `json:"findings"`
	}
	w.json(64, &doc, "config", "check", wrong)
	if doc.Errors != 2 || len(doc.Findings) != 2 || doc.Findings[1].Line != 4 {
		t.Errorf("got %+v", doc)
	}
	contains(t, w.must(64, "config", "check", filepath.Join(w.dir, "nowhere.yaml")).stderr, "nowhere.yaml: read configuration")
	var schema map[string]any
	if err := json.Unmarshal([]byte(w.must(0, "config", "schema").stdout), &schema); err != nil || schema["$schema"] == nil {
		t.Errorf("schema: %v", err)
	}
	if first, _, _ := strings.Cut(readExample(t), "\n"); first != "# yaml-language-server: $schema=tapline.schema.json" {
		t.Errorf("the example begins with %s", first)
	}
}

func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "tapline.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
