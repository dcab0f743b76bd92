package cli_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// chapter is a chapter of README.
func chapter(t *testing.T, name string) string {
	t.Helper()
	_, text, found := strings.Cut(readme(t), "\n## "+name+"\n")
	if !found {
		t.Fatalf("README has no chapter %s", name)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// blocks are the code blocks of a text in a language.
func blocks(text, language string) (out []string) {
	for _, b := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		out = append(out, b[1])
	}
	return out
}

// TestReadmeJobs wants what README shows of jobs to be right: the configuration, every command in crontab, units, manifest and
// operators, and the manifest itself.
func TestReadmeJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := chapter(t, "On a schedule")
	yamls := blocks(text, "yaml")
	if len(yamls) != 3 {
		t.Fatalf("%d pieces of YAML", len(yamls))
	}
	config := w.file("tapline.yaml", yamls[0]+yamls[2])
	if out := w.must(0, "config", "check", config).stdout; strings.Contains(out, "✗") {
		t.Error(out)
	}
	var manifest struct {
		Kind string `yaml:"kind"`
		Spec struct {
			Schedule string `yaml:"schedule"`
		} `yaml:"spec"`
	}
	if err := yaml.Unmarshal([]byte(yamls[1]), &manifest); err != nil || manifest.Kind != "CronJob" || manifest.Spec.Schedule != "5 * * * *" {
		t.Errorf("manifest %+v, %v", manifest, err)
	}
	commands := 0
	for _, found := range regexp.MustCompile(`tapline ((?:run|jobs|alerts|config)\b[^\n"`+"`"+`;#|]*)`).FindAllStringSubmatch(text, -1) {
		args := strings.Fields(found[1])
		if args[len(args)-1] == "JOB" || strings.Contains(found[1], "JOB ") {
			continue // in a sentence
		}
		w.offered(args, yamls[0])
		commands++
	}
	for _, found := range regexp.MustCompile(`(?:args: |arguments=)(\[.*\])`).FindAllStringSubmatch(text, -1) {
		var args []string
		if json.Unmarshal([]byte(found[1]), &args) != nil {
			continue // that of a job
		}
		w.offered(args, yamls[0])
		commands++
	}
	if commands < 12 {
		t.Errorf("only %d commands", commands)
	}
}

// offered wants a command line to be one, and its job to be declared. --help reads the flags and runs nothing.
func (w *world) offered(args []string, declared string) {
	w.t.Helper()
	r := w.run(append(args, "--help")...)
	r.want(w.t, 0, args...)
	for _, arg := range args[1:] {
		if strings.Contains(arg, "_") && !strings.Contains(declared, arg+":") {
			w.t.Errorf("%v names the job %s, which README does not declare", args, arg)
		}
	}
}
