package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tapline/tapline/internal/config"
	"github.com/tapline/tapline/internal/source/clevertap"
)

func TestPullRegions(t *testing.T) {
	t.Parallel()
	if got, want := config.PullRegions(), clevertap.Regions(); !slices.Equal(got, want) {
		t.Errorf("regions: got %v, want those of the client, %v", got, want)
	}
}

func TestPullSection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := config.ParseFile(filepath.Join(dir, "f.yaml"), []byte(
		"sources:\n  Web:\n    pull: {region: in1, passcode_file: secret, events: [A], lookback: 0, profile: false}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var c config.Config
	c.Fill(f)
	p := c.Pull
	if p.Region != "in1" || p.PasscodeFile != filepath.Join(dir, "secret") || *p.Lookback != 0 || *p.Profile || len(p.Events) != 1 {
		t.Errorf("got %+v", p)
	}
	// What a flag says wins, and takes the place of its alternative.
	c = config.Config{Pull: config.Pull{Endpoint: "https://proxy.example.com", PasscodeEnv: "MINE", Events: []string{"B"}}}
	c.Fill(f)
	if p := c.Pull; p.Region != "" || p.PasscodeFile != "" || p.Events[0] != "B" || c.Pull.Validate() != nil {
		t.Errorf("got %+v", p)
	}
	// Where the data may be tells the region of the API, if nothing else does.
	for text, want := range map[string]string{
		"region: eu": "eu1", "region: us": "us1", "region: in1": "in1", "region: mars": "", "{region: eu, pull: {region: in1}}": "in1",
		"{region: eu, pull: {endpoint: 'https://a.com'}}": "",
	} {
		f, err := config.ParseFile("f.yaml", []byte("sources:\n  Web:\n    "+text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		var c config.Config
		if c.Fill(f); c.Pull.Region != want {
			t.Errorf("%s: region %q, want %q", text, c.Pull.Region, want)
		}
	}
	for text, want := range map[string]string{
		"pull: {region: mars}":                           `f.yaml:3:12: region "mars": unknown region: use eu1, in1`,
		"pull: {passcode_env: A, passcode_file: b}":      `passcode_env "A": passcode_file is given, too`,
		"pull: {lookback: -1}":                           `lookback "-1": no number of days from 0 to 366`,
		"pull: {batch_size: 6000}":                       `batch_size "6000": not from 1 to 5000`,
		"pull: {region: in1, endpoint: 'https://a.com'}": `region "in1": endpoint is given, too`,
		"pull: {passcode: hunter2}":                      `passcode`,
	} {
		_, err := config.ParseFile("f.yaml", []byte("sources:\n  Web:\n    "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestPasscode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("from-file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string {
		return map[string]string{"CLEVERTAP_PASSCODE": "standard", "MINE": "mine"}[name]
	}
	for _, test := range []struct {
		pull       config.Pull
		want, fail string
	}{
		{config.Pull{}, "standard", ""},
		{config.Pull{PasscodeEnv: "MINE"}, "mine", ""},
		{config.Pull{PasscodeFile: path}, "from-file", ""},
		{config.Pull{PasscodeEnv: "NONE"}, "", "nothing in this environment variable"},
		{config.Pull{PasscodeFile: path + "2"}, "", "no such file"},
	} {
		got, err := test.pull.Passcode(env)
		if got != test.want || (err == nil) != (test.fail == "") || err != nil && !strings.Contains(err.Error(), test.fail) {
			t.Errorf("%+v: got %q and %v", test.pull, got, err)
		}
	}
}

func TestParseDay(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]int{"today": 0, "yesterday": 1, "7d": 7, "2026-10-01": -1, "20261001": -1} {
		if _, ago, ok := config.ParseDay(word); !ok || ago != want {
			t.Errorf("%s: %d, %v", word, ago, ok)
		}
	}
	for _, word := range []string{"", "d", "-1d", "2026-13-01", "01.10.2026", "tomorrow", "99999d"} {
		if _, _, ok := config.ParseDay(word); ok {
			t.Errorf("%q is taken for a day", word)
		}
	}
}
