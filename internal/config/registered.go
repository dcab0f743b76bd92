package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var regionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// CheckRegion refuses what cannot be the name of a region. The error is an *Error.
func CheckRegion(flag, region string) error {
	if region != "" && !regionName.MatchString(region) {
		return &Error{flag, region, "no name of a region", "use us, eu, or lower-case letters, digits and -"}
	}
	return nil
}

// checkRegistered checks the settings of a source that receives events.
func (f *File) checkRegistered(name string, s *Source) error {
	if CheckRegion("region", s.Region) != nil {
		return f.wrong(fmt.Sprintf("region %q: no name of a region", s.Region), "use us, eu, or lower-case letters, digits and -",
			"sources", name, "region")
	}
	for _, reference := range s.WriteKeys {
		kind, of, _ := strings.Cut(reference, ":")
		if kind != "env" && kind != "file" || of == "" {
			// It may be a key, and is not shown.
			return f.wrong("write_keys has something that is no reference", "use env:NAME or file:PATH; keys themselves do not belong into this file",
				"sources", name, "write_keys")
		}
	}
	return nil
}

// Secret returns what a reference of the file names: env:NAME is an environment variable, file:PATH a file, from the
// configuration file's folder on, whose last newline does not count. The error, an *Error, names the reference, never what
// it holds.
func (f *File) Secret(reference string, env func(string) string) (string, error) {
	kind, name, _ := strings.Cut(reference, ":")
	var problem string
	secret := env(name)
	if kind != "env" {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(f.Path), name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			problem = err.Error()
		}
		secret = string(text)
	}
	if secret = strings.TrimRight(secret, "\r\n"); secret == "" && problem == "" {
		problem = "there is nothing in it"
	}
	if problem != "" {
		return "", &Error{reference, "", problem, "put the write key there, or take the reference out of " + f.Path}
	}
	return secret, nil
}
